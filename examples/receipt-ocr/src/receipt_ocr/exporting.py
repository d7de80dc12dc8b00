"""The trained network as a `pt2` archive and a description of it."""

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from receipt_ocr.dataset import Description
from receipt_ocr.networks import count_parameters
from receipt_ocr.reading import CHARSET, CLASSES
from receipt_ocr.settings import Train


def export(network: nn.Module, example: torch.Tensor, path: Path) -> None:
    """Write the network (in evaluation mode) as an archive that accepts batches of any size.

    Parameters: `example` an input of at least two images; a batch of one would fix the batch size.
    The weights are laid out in the usual order of dimensions first, the only one an archive holds whole.
    """
    network.to(memory_format=torch.contiguous_format)
    batch = {0: torch.export.Dim("batch", min=1)}
    with warnings.catch_warnings():
        # The GRU re-lists its own weights while it is traced; they stay the registered parameters.
        warnings.filterwarnings("ignore", message="The tensor attributes .*_flat_weights")
        program = torch.export.export(network, (example,), dynamic_shapes=(batch,))
    for node in program.graph.nodes:
        # A trace names this folder: with it two clones could not write the same bytes.
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path)


def load(path: Path) -> nn.Module:
    """Load an archive as a callable module, in evaluation mode."""
    return torch.export.load(path).module()


def describe(network: nn.Module, data: Description, settings: Train) -> dict[str, Any]:
    """What a user of the archive must know; -1 in a shape stands for any size."""
    with torch.no_grad():
        steps = network(torch.zeros(1, 1, data.height, data.width)).shape[1]
    config = asdict(settings)
    names = ["channels", "hidden_size", "dropout"]
    if settings.architecture == "CRNN":
        names.append("bidirectional")
    return {
        "architecture": settings.architecture,
        "num_params": count_parameters(network),
        "config": {name: config[name] for name in names},
        "input_schema": [_tensor("images", [-1, 1, data.height, data.width], "ink, 0 paper to 1 full")],
        "output_schema": [_tensor("scores", [-1, steps, CLASSES], "class 0 is blank, then charset")],
        "charset": CHARSET,
        "data": {"name": data.name, "version": data.version},
    }


def _tensor(name: str, shape: list[int], meaning: str) -> dict[str, Any]:
    return {"name": name, "dtype": "float32", "shape": shape, "meaning": meaning}


def save_example(example: torch.Tensor, path: Path) -> None:
    """Write an input as a plain NumPy array."""
    np.save(path, example.numpy())
