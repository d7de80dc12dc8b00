"""Loading an MLflow model folder that somebody else wrote: run its code only when that is allowed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from integrations.errors import IntegrationError
from integrations.model_files import PT2, inspect

if TYPE_CHECKING:
    import torch

PERMISSION = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"
MAX_MLMODEL_BYTES = 1024 * 1024
# MLflow takes the pickle whenever there is one
PICKLE_FILE = "data/model.pth"
PT2_FILE = "data/model.pt2"

_switching = threading.Lock()


def load_pytorch(folder: Path, *, allow_pickle: bool | None) -> torch.nn.Module:
    """Load a downloaded model with MLflow's PyTorch flavour.

    Parameters
    ----------
    allow_pickle:
        Whether code that the model brings may run here; `None`: as the environment variable
        `MLFLOW_ALLOW_PICKLE_DESERIALIZATION` says, and not if it is unset (MLflow itself would).

    Raises a permanent `IntegrationError` that names the reason and the remedy. Without permission
    only a `pt2` archive in which nothing suspicious was found is loaded; that is stricter than
    MLflow, whose own check lets archives pass that run code (see `integrations.pt2_program`).
    """
    allowed = permitted() if allow_pickle is None else allow_pickle
    reasons = reasons_to_refuse(folder)
    if reasons and not allowed:
        raise IntegrationError(
            f"The model is not loaded, because that could run code: {'; '.join(reasons)}. Log it with an "
            f"input_example to save it as pt2; or, if you trust whoever made it, pass allow_pickle=True "
            f"or set {PERMISSION}=true.",
            permanent=True,
        )
    import mlflow.pytorch

    with _environment(PERMISSION, "true" if allowed else "false"):
        loaded: torch.nn.Module = mlflow.pytorch.load_model(str(folder))
    return loaded


def permitted() -> bool:
    """Whether the environment explicitly allows unpickling."""
    return os.environ.get(PERMISSION, "").strip().lower() in {"true", "1"}


def reasons_to_refuse(folder: Path) -> list[str]:
    """Why loading the model in `folder` could run code that it brings; empty: it is a clean `pt2` archive.

    Raises a permanent `IntegrationError` if it is no model for PyTorch, or its archive is broken.
    """
    flavour = _pytorch_flavour(folder)
    reasons = []
    if flavour.get("code"):
        reasons.append("it brings Python modules")
    if flavour.get("model_data") != "data":
        reasons.append("its data lies in an unusual place")
    if (folder / PICKLE_FILE).exists():
        reasons.append("it is saved as pickle")
    elif (folder / PT2_FILE).exists():
        about = inspect(folder / PT2_FILE)
        reasons += about.suspicions if about.kind == PT2 else [f"its data is {about.kind}"]
    else:
        reasons.append("it is neither pt2 nor pickle")
    return reasons


def _pytorch_flavour(folder: Path) -> dict[str, Any]:
    file = folder / "MLmodel"
    try:
        if file.stat().st_size > MAX_MLMODEL_BYTES:
            raise ValueError("too large")
        flavour = yaml.safe_load(file.read_text())["flavors"]["pytorch"]
        if not isinstance(flavour, dict):
            raise TypeError("the flavour is not a mapping")
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise IntegrationError(
            "The artifacts are not an MLflow model for PyTorch.", permanent=True
        ) from error
    return flavour


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """MLflow's only switch is a variable of the process; one thread at a time holds it."""
    with _switching:
        before = os.environ.get(name)
        os.environ[name] = value
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
