"""What is told about one model file, and the names of the kinds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from integrations.pickle_scan import UnreadablePickleError, imported_names
from integrations.pt2_archive import TensorSpec

PT2 = "pt2"
TORCHSCRIPT = "torchscript"
TORCH_ZIP = "torch zip"
PICKLE = "pickle"
SAFETENSORS = "safetensors"
ONNX = "onnx"
NUMPY = "numpy"
NUMPY_ZIP = "numpy zip"
KERAS = "keras"
HDF5 = "hdf5"
ZIP = "zip"
TAR = "tar"
COMPRESSED = "compressed"
TEXT = "text"
PYTHON = "python"
IMAGE = "image"
NATIVE = "native code"
EMPTY = "empty"
UNKNOWN = "unknown"

#: Told of one file at most.
MAX_SUSPICIONS = 50
MAX_IMPORTS = 200
_LONGEST = 200


@dataclass(frozen=True)
class ModelFile:
    """What a model file is.

    Attributes
    ----------
    kind:
        One of the constants of this module.
    size:
        Bytes.
    suspicions:
        What in it could run code when it is loaded, or harm who unpacks it. Empty means: looked
        through, nothing found. A kind that cannot be looked through always has an entry.
    num_params:
        Elements of trainable parameters (`pt2`) or of all tensors (`safetensors`); `None` if unknown.
    inputs, outputs:
        Tensors that the model takes and gives, where the file says so.
    imports:
        Names (`module.name`) that the pickles in it import.
    """

    kind: str
    size: int
    suspicions: tuple[str, ...]
    num_params: int | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    torch_version: str = ""
    imports: tuple[str, ...] = ()

    def suspected(self, *more: str) -> ModelFile:
        """Return the same with `more` suspicions."""
        known = tuple(one for one in more if one not in self.suspicions)
        return replace(self, suspicions=(*self.suspicions, *known)) if known else self

    def to_dict(self) -> dict[str, Any]:
        """Return JSON of bounded size."""
        return {
            "kind": self.kind,
            "size": self.size,
            "suspicions": _bounded(self.suspicions, MAX_SUSPICIONS),
            "imports": _bounded(self.imports, MAX_IMPORTS),
            "num_params": self.num_params,
            "inputs": [_spec(one) for one in self.inputs],
            "outputs": [_spec(one) for one in self.outputs],
        }


def of_pickle(kind: str, size: int, data: bytes) -> ModelFile:
    """Return what a pickle is. It runs code whatever it imports; the names tell a person what."""
    trouble: tuple[str, ...] = ()
    try:
        names = imported_names(data)
    except UnreadablePickleError as error:
        names, trouble = error.names, (f"its imports cannot be told: {error}",)
    imports = tuple(sorted(names))
    told = (f"imports {name[:120]}" for name in imports[:MAX_SUSPICIONS])
    return ModelFile(kind, size, ("pickle", *trouble, *told), imports=imports)


def _spec(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def _bounded(texts: tuple[str, ...], limit: int) -> list[str]:
    shown = [one if len(one) <= _LONGEST else f"{one[: _LONGEST - 1]}…" for one in texts[:limit]]
    return shown if len(texts) <= limit else [*shown, f"and {len(texts) - limit} more"]
