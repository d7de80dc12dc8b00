"""Files that are told by a few bytes, text, and names that promise another content."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import IO

from integrations.model_file import (
    EMPTY,
    HDF5,
    IMAGE,
    KERAS,
    NATIVE,
    NUMPY,
    NUMPY_ZIP,
    ONNX,
    PT2,
    PYTHON,
    SAFETENSORS,
    TEXT,
    ModelFile,
)

_CHUNK = 1024 * 1024
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_NATIVE = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_UNOPENED = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar", b"\x28\xb5\x2f\xfd": "zstd"}
_LZ4 = b"\x04\x22\x4d\x18"
_LAMBDA = b'"class_name": "Lambda"'

#: What a name promises: other content under it is there to be taken for something else.
PROMISES = {
    ".pt2": {PT2},
    ".safetensors": {SAFETENSORS},
    ".onnx": {ONNX},
    ".npy": {NUMPY},
    ".npz": {NUMPY_ZIP},
    ".keras": {KERAS},
    ".h5": {HDF5},
    ".hdf5": {HDF5},
    **{name: {TEXT} for name in (".json", ".yaml", ".yml", ".txt", ".md", ".csv", ".tsv", ".toml", ".cfg")},
    **{name: {IMAGE} for name in (".png", ".jpg", ".jpeg", ".gif")},
}
_PYTHON = frozenset({".py", ".pyw", ".pyc", ".pyd", ".pth", ".ipynb"})
_SCRIPT = frozenset({".sh", ".bash", ".bat", ".cmd", ".ps1", ".js", ".so", ".dll", ".dylib"})


def by_magic(file: IO[bytes], head: bytes, size: int) -> ModelFile | None:
    """Return what the first bytes tell without doubt."""
    if head.startswith(_IMAGES):
        return ModelFile(IMAGE, size, ())
    if head.startswith(_HDF5):
        return ModelFile(HDF5, size, _of_hdf5(file))
    if head.startswith(_NATIVE):
        return ModelFile(NATIVE, size, ("native code",))
    for magic, name in {**_UNOPENED, _LZ4: "lz4"}.items():
        if head.startswith(magic):
            return ModelFile(name, size, (f"{name} archives are not looked through",))
    return None


def text(file: IO[bytes], size: int, name: str) -> ModelFile | None:
    """Return that it is text (UTF-8 without control characters), and whether it is a program."""
    file.seek(0)
    rest = b""
    first = file.read(2)
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if b"\0" in chunk:
            return None
        try:
            (rest + chunk).decode("utf-8")
            rest = b""
        except UnicodeDecodeError as error:
            # a character may be cut by the end of the chunk, not before it
            if error.end < len(rest + chunk) or len(chunk) < _CHUNK:
                return None
            rest = (rest + chunk)[error.start :]
    if rest:
        return None
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _PYTHON:
        return ModelFile(PYTHON, size, ("Python code",))
    if suffix in _SCRIPT or first == b"#!":
        return ModelFile(TEXT, size, ("a program",))
    return ModelFile(TEXT, size, ())


def checked_name(found: ModelFile, name: str) -> ModelFile:
    """Return `found` with a suspicion if its name promises something else."""
    suffix = PurePosixPath(name).suffix.lower()
    promised = PROMISES.get(suffix)
    if promised is None or found.kind in promised or found.kind == EMPTY:
        return found
    return found.suspected(f"named {suffix}, but its content is {found.kind}")


def _of_hdf5(file: IO[bytes]) -> tuple[str, ...]:
    """Keras keeps the program of a `Lambda` layer in the JSON that it writes into such a file."""
    file.seek(0)
    end = b""
    while chunk := file.read(_CHUNK):
        if _LAMBDA in end + chunk:
            return ("HDF5 is not looked through", "holds a Lambda layer, which is a program")
        end = chunk[-len(_LAMBDA) :]
    return ("HDF5 is not looked through",)
