"""Small real networks, exported as training stages do it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch


class Reader(torch.nn.Module):
    """Convolution, recurrence, a buffer, and a constant: the parts of a text recogniser."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.recurrence = torch.nn.GRU(4, 5, batch_first=True, bidirectional=True)
        self.scores = torch.nn.Linear(10, 11)
        self.shift = torch.ones(1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Scores by position: (batch, 1, 16, 24) -> (batch, 24, 11)."""
        columns = self.norm(self.convolution(image)).mean(2).transpose(1, 2)
        found, _ = self.recurrence(columns)
        return self.scores(found).log_softmax(-1) + self.shift


def save_pt2(folder: Path) -> Path:
    """Write `model.pt2` and `input_example.npy` of a `Reader` with a varying batch size."""
    torch.manual_seed(1)
    example = torch.randn(2, 1, 16, 24)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            Reader().eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},)
        )
        torch.export.save(program, folder / "model.pt2")
    np.save(folder / "input_example.npy", example.numpy())
    return folder / "model.pt2"
