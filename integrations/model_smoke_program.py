"""Loads an MLflow model for PyTorch and runs its input example. A program of its own, for one purpose:

    python -I model_smoke_program.py request.json

`integrations.model_smoke` starts it with a minimal environment in which unpickling is switched off, because
running a model, even a checked one, is not for a process that holds credentials. It imports nothing of the
product. What it finds out is written to the file that the request names; the exit status says only whether
there is such an answer.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

EXAMPLE_FILE = "input_example.npy"
REASON_LIMIT = 500


def main(request_path: str) -> None:
    """Read the request, run the model under its limits, and write the answer."""
    request = json.loads(Path(request_path).read_text())
    _limit(request["memory_bytes"])
    try:
        answer = _tested(Path(request["folder"]), request["dtypes"])
    except MemoryError:
        answer = {"problem": "memory"}
    except Exception as error:  # noqa: BLE001  whatever the model or its loader raises is the answer
        answer = {"problem": "error", "text": _line(error)}
    Path(request["answer"]).write_text(json.dumps(answer))


def _limit(memory_bytes: int) -> None:
    """Refuse memory beyond the limit, core dumps, and files larger than an answer."""
    # Counts what the process writes to; shared libraries, which are large, are left out.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024**2, 64 * 1024**2))


def _tested(folder: Path, dtypes: list[str]) -> dict[str, Any]:
    import mlflow.pytorch
    import torch

    example = _example(folder)
    started = time.monotonic()
    model = mlflow.pytorch.load_model(str(folder), map_location="cpu")
    loaded = time.monotonic()
    if example is None:
        return {"problem": "example", "load_seconds": loaded - started}
    inputs = _tensors(example, dtypes)
    with torch.no_grad():
        output = model(**inputs) if isinstance(inputs, dict) else model(*inputs)
    ended = time.monotonic()
    tensors = list(_leaves(output))
    return {
        "inputs": [_shape(one) for one in (inputs.values() if isinstance(inputs, dict) else inputs)],
        "outputs": [_shape(one) for one in tensors],
        "nan": any(bool(torch.isnan(one).any()) for one in tensors if one.is_floating_point()),
        "load_seconds": loaded - started,
        "run_seconds": ended - loaded,
    }


def _example(folder: Path) -> Any:
    """Return the input example: as our pipelines write it, else as MLflow's client does."""
    import numpy as np
    from mlflow.models import Model

    if (folder / EXAMPLE_FILE).is_file():
        return np.load(folder / EXAMPLE_FILE, allow_pickle=False)
    return Model.load(str(folder)).load_input_example(str(folder))


def _tensors(example: Any, dtypes: list[str]) -> list[Any] | dict[str, Any]:
    """Return the example as the arguments of the model, in the types that its file declares.

    JSON, in which MLflow keeps examples, knows one type of number only.
    """
    if isinstance(example, dict):
        wanted = dtypes if len(dtypes) == len(example) else [""] * len(example)
        return {name: _tensor(one, dtype) for (name, one), dtype in zip(example.items(), wanted, strict=True)}
    found = list(example) if isinstance(example, tuple | list) else [example]
    wanted = dtypes if len(dtypes) == len(found) else [""] * len(found)
    return [_tensor(one, dtype) for one, dtype in zip(found, wanted, strict=True)]


def _tensor(value: Any, dtype: str) -> Any:
    import numpy as np
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(value))
    wanted = getattr(torch, dtype, None) if dtype else None
    return tensor.to(wanted) if isinstance(wanted, torch.dtype) else tensor


def _leaves(output: Any) -> Any:
    """Yield the tensors of an output, which may be a tuple, a list or a mapping of them."""
    import torch

    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        for one in output.values():
            yield from _leaves(one)
    elif isinstance(output, list | tuple):
        for one in output:
            yield from _leaves(one)


def _shape(tensor: Any) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def _line(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text[:REASON_LIMIT]


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
