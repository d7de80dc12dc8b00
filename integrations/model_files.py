"""Static inspection of model files: what they are, what they take and give, whether they run code.

By content, never by extension, and without unpickling or importing anything from the file.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from integrations.errors import IntegrationError
from integrations.pickle_scan import MAX_PICKLE_BYTES, UnreadablePickleError, imported_names
from integrations.pt2_archive import TensorSpec, is_pt2, read_pt2

PT2 = "pt2"
TORCHSCRIPT = "torchscript"
TORCH_ZIP = "torch zip"
PICKLE = "pickle"
SAFETENSORS = "safetensors"
ONNX = "onnx"
UNKNOWN = "unknown"

# what `zipfile` and `zlib` raise for damaged files, besides our own `BadArchiveError`, a `ValueError`
BROKEN = (
    *(ValueError, EOFError, OverflowError, NotImplementedError, RuntimeError, OSError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)
MAX_SAFETENSORS_HEADER = 100 * 1024 * 1024
MAX_ONNX_FIELDS = 10_000
_WIRE_VARINT, _WIRE_64, _WIRE_LENGTH, _WIRE_32 = 0, 1, 2, 5
_ONNX_GRAPH = 7


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
        What in it could run code when it is loaded. Empty means: looked through, nothing found. A
        kind that cannot be looked through always has an entry.
    num_params:
        Elements of trainable parameters (`pt2`) or of all tensors (`safetensors`); `None` if unknown.
    inputs, outputs:
        Tensors that the model takes and gives, where the file says so.
    """

    kind: str
    size: int
    suspicions: tuple[str, ...]
    num_params: int | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    torch_version: str = ""


def inspect(path: Path) -> ModelFile:
    """Say what a model file is. Raises a permanent `IntegrationError` for a missing or broken file."""
    if path.is_symlink() or not path.is_file():
        raise IntegrationError(f"There is no model file {path.name!r}.", permanent=True)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        try:
            if head.startswith(b"PK\x03\x04"):
                return _zip(file, size)
            return _safetensors(file, size) or _pickle(file, size) or _onnx(file, size) or _unknown(size)
        except BROKEN as error:
            raise IntegrationError(f"{path.name!r} is broken: {error}.", permanent=True) from error


def _unknown(size: int) -> ModelFile:
    return ModelFile(UNKNOWN, size, ("unknown format",))


def _zip(file: IO[bytes], size: int) -> ModelFile:
    with zipfile.ZipFile(file) as archive:
        if is_pt2(archive):
            about = read_pt2(archive)
            return ModelFile(
                PT2,
                size,
                about.suspicions,
                about.num_params,
                about.inputs,
                about.outputs,
                about.torch_version,
            )
        names = {one.filename.partition("/")[2]: one for one in archive.infolist()}
        if "constants.pkl" in names and any(name.startswith("code/") for name in names):
            return ModelFile(TORCHSCRIPT, size, ("TorchScript code",))
        if "data.pkl" in names:
            info = names["data.pkl"]
            data = b"" if info.file_size > MAX_PICKLE_BYTES else archive.read(info)
            return ModelFile(TORCH_ZIP, size, _imports(data))
    return _unknown(size)


def _pickle(file: IO[bytes], size: int) -> ModelFile | None:
    file.seek(0)
    head = file.read(2)
    file.seek(0)
    if len(head) == 2 and head[0] == 0x80 and head[1] <= 5:
        return ModelFile(PICKLE, size, _imports(file.read(MAX_PICKLE_BYTES)))
    # protocols 0 and 1 have no header: a file of instructions up to a final STOP
    data = file.read(MAX_PICKLE_BYTES)
    try:
        if size <= MAX_PICKLE_BYTES and data.endswith(b".") and imported_names(data):
            return ModelFile(PICKLE, size, _imports(data))
    except UnreadablePickleError:
        pass
    return None


def _imports(data: bytes) -> tuple[str, ...]:
    """A pickle runs code whatever it imports; the names tell a person what."""
    try:
        names = sorted(imported_names(data))
    except UnreadablePickleError as error:
        return ("pickle", f"its imports cannot be told: {error}")
    return ("pickle", *(f"imports {name[:120]}" for name in names[:50]))


def _safetensors(file: IO[bytes], size: int) -> ModelFile | None:
    file.seek(0)
    prefix = file.read(8)
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not 2 <= length <= min(size - 8, MAX_SAFETENSORS_HEADER) or file.read(1) != b"{":
        return None
    file.seek(8)
    try:
        header = json.loads(file.read(length))
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        end = max((int(entry["data_offsets"][1]) for entry in tensors), default=0)
        count = sum(math.prod(int(side) for side in entry["shape"]) for entry in tensors)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
    return ModelFile(SAFETENSORS, size, (), count) if end == size - 8 - length else None


def _onnx(file: IO[bytes], size: int) -> ModelFile | None:
    """ONNX has no magic number: a protobuf message whose fields fill the file and hold a graph."""
    file.seek(0)
    numbers: list[int] = []
    while file.tell() < size:
        tag = _varint(file)
        if tag is None or len(numbers) == MAX_ONNX_FIELDS:
            return None
        wire, number = tag & 7, tag >> 3
        if wire == _WIRE_VARINT:
            if _varint(file) is None:
                return None
        elif wire in {_WIRE_LENGTH, _WIRE_64, _WIRE_32}:
            step = {_WIRE_64: 8, _WIRE_32: 4}.get(wire) or _varint(file)
            if step is None or file.tell() + step > size:
                return None
            file.seek(step, 1)
        else:
            return None
        numbers.append(number)
    if numbers[:1] == [1] and _ONNX_GRAPH in numbers:
        return ModelFile(ONNX, size, ("custom operators are not looked at",))
    return None


def _varint(file: IO[bytes]) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
