"""Files of bare tensors or graphs: safetensors, numpy, ONNX. Read without the libraries that run them."""

from __future__ import annotations

import json
import math
import struct
from typing import IO

from integrations.model_file import NUMPY, ONNX, PICKLE, SAFETENSORS, ModelFile, of_pickle
from integrations.pickle_scan import MAX_PICKLE_BYTES

MAX_SAFETENSORS_HEADER = 100 * 1024 * 1024
MAX_ONNX_FIELDS = 10_000
_NUMPY_MAGIC = b"\x93NUMPY"
_WIRE_VARINT, _WIRE_64, _WIRE_LENGTH, _WIRE_32 = 0, 1, 2, 5
_ONNX_GRAPH = 7


def safetensors(file: IO[bytes], size: int) -> ModelFile | None:
    """Return the description of a safetensors file; None if it is none, whole and without a gap."""
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


def numpy_array(file: IO[bytes], head: bytes, size: int) -> ModelFile | None:
    """Return the description of a `.npy` file; an array of objects is a pickle behind a header.

    Raises `ValueError` for a header that numpy would not read, or bytes that are missing.
    """
    if not head.startswith(_NUMPY_MAGIC):
        return None
    # Here, because most who look at model files never meet an array.
    from numpy.lib import format as npy

    file.seek(0)
    read = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }.get(npy.read_magic(file))
    if read is None:
        return ModelFile(NUMPY, size, ("an array of an unknown version of the format",))
    shape, _fortran, dtype = read(file)
    if dtype.hasobject:
        found = of_pickle(PICKLE, size, file.read(MAX_PICKLE_BYTES + 1))
        return ModelFile(NUMPY, size, ("an array of objects", *found.suspicions), imports=found.imports)
    if size - file.tell() < math.prod(shape) * dtype.itemsize:
        raise ValueError("the array is cut short")
    return ModelFile(NUMPY, size, ())


def onnx(file: IO[bytes], size: int) -> ModelFile | None:
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
