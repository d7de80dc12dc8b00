"""Static inspection of model files: what they are, what they take and give, whether they run code.

By content, never by extension, and without unpickling, importing or executing anything from the file. Whoever
inspects files that strangers made does it in a process of its own: see `integrations.model_inspection`.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from integrations import archive_contents, plain_files, tensor_files
from integrations.archive_contents import Room
from integrations.errors import IntegrationError
from integrations.model_file import EMPTY, PICKLE, PT2, UNKNOWN, ModelFile, of_pickle
from integrations.pickle_scan import MAX_PICKLE_BYTES, runs_something

__all__ = ["PT2", "ModelFile", "inspect"]

# what the readers of archives raise for damaged files, besides our own `BadArchiveError`, a `ValueError`
BROKEN = (
    *(ValueError, EOFError, OverflowError, NotImplementedError, RuntimeError, OSError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError),
)


def inspect(path: Path) -> ModelFile:
    """Say what a model file is. Raises a permanent `IntegrationError` for a missing or broken file."""
    if path.is_symlink() or not path.is_file():
        raise IntegrationError(f"There is no model file {path.name!r}.", permanent=True)
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            found = look(file, size, path.name, Room())
        except BROKEN as error:
            raise IntegrationError(f"{path.name!r} is broken: {error}.", permanent=True) from error
    return plain_files.checked_name(found, path.name)


def look(file: IO[bytes], size: int, name: str, room: Room) -> ModelFile:
    """Say what the content of a file is; `room` bounds what is unpacked of it.

    Raises one of `BROKEN` where the content is not what it claims to be.
    """
    file.seek(0)
    head = file.read(512)
    if not head:
        return ModelFile(EMPTY, 0, ())
    if head.startswith(b"PK\x03\x04"):
        return archive_contents.of_zip(file, size, room, look)
    if archive_contents.is_packed(head):
        return archive_contents.of_packed(file, size, name, room, look)
    return (
        plain_files.by_magic(file, head, size)
        or tensor_files.safetensors(file, size)
        or tensor_files.numpy_array(file, head, size)
        or _pickle(file, head, size)
        or tensor_files.onnx(file, size)
        or plain_files.text(file, size, name)
        or ModelFile(UNKNOWN, size, ("unknown format",))
    )


def _pickle(file: IO[bytes], head: bytes, size: int) -> ModelFile | None:
    file.seek(0)
    data = file.read(MAX_PICKLE_BYTES + 1)
    has_header = len(head) > 1 and head[0] == 0x80 and head[1] <= 5
    # protocols 0 and 1 have no header
    if has_header or runs_something(data):
        return of_pickle(PICKLE, size, data)
    return None
