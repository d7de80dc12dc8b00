"""Files that hold other files: zip and its uses by torch, numpy and Keras; tar; compressed streams.

Everything is bounded: the depth of nesting, the number of members, the bytes that are unpacked in all, and
how much larger than its archive a member may be. What goes beyond is named, and not unpacked.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from integrations import plain_files
from integrations.model_file import (
    COMPRESSED,
    KERAS,
    MAX_SUSPICIONS,
    NUMPY_ZIP,
    PT2,
    TAR,
    TORCH_ZIP,
    TORCHSCRIPT,
    ZIP,
    ModelFile,
    of_pickle,
)
from integrations.pickle_scan import MAX_PICKLE_BYTES
from integrations.pt2_archive import is_pt2, read_pt2

MAX_DEPTH = 3
MAX_MEMBERS = 10_000
MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 200
MAX_CONFIG = 64 * 1024 * 1024
#: Below this size nobody cares how well something was packed.
_SMALL = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024


@dataclass
class Room:
    """What may still be unpacked of one file, over all its levels."""

    left: int = MAX_UNPACKED
    members: int = MAX_MEMBERS
    depth: int = 0


Look = Callable[[IO[bytes], int, str, Room], ModelFile]


class TooMuchError(ValueError):
    """More than anybody wants to unpack."""


def of_zip(file: IO[bytes], size: int, room: Room, look: Look) -> ModelFile:
    """Return what a zip archive is."""
    with zipfile.ZipFile(file) as archive:
        faults = tuple(dict.fromkeys(_faults(archive)))[:MAX_SUSPICIONS]
        return _of_zip(archive, size, room, look, bool(faults)).suspected(*faults)


def _of_zip(archive: zipfile.ZipFile, size: int, room: Room, look: Look, faulty: bool) -> ModelFile:
    if is_pt2(archive):
        about = read_pt2(archive)
        return ModelFile(
            PT2, size, about.suspicions, about.num_params, about.inputs, about.outputs, about.torch_version
        )
    names = {one.filename.partition("/")[2]: one for one in archive.infolist()}
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return ModelFile(TORCHSCRIPT, size, ("TorchScript code",))
    if "data.pkl" in names:
        return _of_torch(archive, names["data.pkl"], size)
    if faulty:
        return ModelFile(ZIP, size, ())
    whole = {one.filename for one in archive.infolist()}
    if whole and all(name.endswith(".npy") for name in whole):
        return _with_members(ModelFile(NUMPY_ZIP, size, ()), _zip_members(archive), room, look)
    if {"config.json", "metadata.json"} <= whole:
        config = archive.getinfo("config.json")
        return _with_members(
            ModelFile(KERAS, size, _of_keras(archive, config)), _zip_members(archive), room, look
        )
    return _with_members(ModelFile(ZIP, size, ()), _zip_members(archive), room, look)


def _of_torch(archive: zipfile.ZipFile, record: zipfile.ZipInfo, size: int) -> ModelFile:
    data = b"" if record.file_size > MAX_PICKLE_BYTES else archive.read(record)
    found = of_pickle(TORCH_ZIP, size, data)
    others = [one.filename for one in archive.infolist() if one.filename.endswith(".pkl") and one != record]
    return found.suspected(*(f"holds another pickle, {name[:80]}" for name in others[:5]))


def is_packed(head: bytes) -> bool:
    """Say whether the first 512 bytes are those of a tar archive or a compressed stream."""
    return head[257:262] == b"ustar" or _opener(head) is not None


def of_packed(file: IO[bytes], size: int, name: str, room: Room, look: Look) -> ModelFile:
    """Return what a tar archive or a compressed stream is."""
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    opener = _opener(head)
    if opener is None:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            return _with_members(ModelFile(TAR, size, ()), _tar_members(archive), room, look)
    stem = name.rpartition(".")[0] or name
    members: Iterator[Member] = iter([Member(stem, opener(file), limit=max(size * MAX_RATIO, _SMALL))])
    return _with_members(ModelFile(COMPRESSED, size, ()), members, room, look, named=False)


@dataclass(frozen=True)
class Member:
    """One file in an archive: its content, or why it is not looked at."""

    name: str
    content: IO[bytes] | None
    fault: str = ""
    limit: int = MAX_UNPACKED


def _with_members(
    found: ModelFile, members: Iterator[Member], room: Room, look: Look, *, named: bool = True
) -> ModelFile:
    """Return `found` with what is suspicious about its members."""
    if room.depth >= MAX_DEPTH:
        return found.suspected(f"archives are nested more than {MAX_DEPTH} deep")
    room.depth += 1
    imports: dict[str, None] = {}
    suspicions: list[str] = []
    try:
        for member in members:
            inner = _inspected(member, room, look)
            where = f"{member.name[:80]}: " if named else ""
            suspicions += [f"{where}{one}" for one in inner.suspicions if len(suspicions) < MAX_SUSPICIONS]
            imports.update(dict.fromkeys(inner.imports))
    except TooMuchError as error:
        suspicions.append(str(error))
    room.depth -= 1
    return ModelFile(found.kind, found.size, (*found.suspicions, *suspicions), imports=tuple(sorted(imports)))


def _inspected(member: Member, room: Room, look: Look) -> ModelFile:
    room.members -= 1
    if room.members < 0:
        raise TooMuchError(f"holds more than {MAX_MEMBERS} files")
    if member.content is None:
        return ModelFile("", 0, (member.fault,))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as scratch:
        size = _unpack(member, scratch, room)
        return plain_files.checked_name(look(scratch, size, member.name, room), member.name)


def _unpack(member: Member, scratch: IO[bytes], room: Room) -> int:
    size = 0
    while member.content is not None and (chunk := member.content.read(_CHUNK)):
        size += len(chunk)
        room.left -= len(chunk)
        if size > member.limit:
            raise TooMuchError(f"unpacks to more than {MAX_RATIO} times its size")
        if room.left < 0:
            raise TooMuchError(f"unpacks to more than {MAX_UNPACKED} bytes")
        scratch.write(chunk)
    return size


def _faults(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield what is wrong with the table of contents, without unpacking anything."""
    seen = set()
    for one in archive.infolist():
        shown = one.filename[:80]
        if one.filename in seen:
            yield f"holds {shown} twice"
        seen.add(one.filename)
        if one.flag_bits & 1:
            yield "holds encrypted files"
        if stat.S_ISLNK(one.external_attr >> 16):
            yield f"holds a link, {shown}"
        if _leads_out(one.filename):
            yield f"holds a file that leads out of it, {shown}"
        if one.file_size > max(_SMALL, MAX_RATIO * one.compress_size):
            yield f"{shown} unpacks to more than {MAX_RATIO} times its size"


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for one in archive.infolist():
        if not one.is_dir():
            with archive.open(one) as content:
                yield Member(one.filename, content)


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for one in archive:
        if one.isdir():
            continue
        if _leads_out(one.name):
            yield Member(one.name, None, "leads out of the archive")
        elif one.isfile():
            yield Member(one.name, archive.extractfile(one))
        else:
            yield Member(one.name, None, "a link" if one.issym() or one.islnk() else "a device")


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]


def _of_keras(archive: zipfile.ZipFile, config: zipfile.ZipInfo) -> tuple[str, ...]:
    if config.file_size > MAX_CONFIG:
        return ("its configuration is too large to be looked through",)
    try:
        waiting, found = [json.loads(archive.read(config))], {}
    except (ValueError, RecursionError):
        return ("its configuration cannot be read",)
    while waiting:
        node = waiting.pop()
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if isinstance(node, dict):
            found.update(dict.fromkeys(_foreign(node)))
    return tuple(found)[:MAX_SUSPICIONS]


def _foreign(node: dict[str, Any]) -> Iterator[str]:
    """Yield what one object of a Keras configuration runs that is not Keras."""
    name, module = node.get("class_name"), node.get("module")
    if name in {"Lambda", "__lambda__"}:
        yield "holds a Lambda layer, which is a program"
    elif isinstance(module, str) and module.partition(".")[0] not in {"keras", "builtins"}:
        yield f"uses {module[:80]}.{str(name)[:80]}"


class _Inflated:
    """A bare zlib stream, as joblib writes it, read piece by piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; none at the end.

        :raises EOFError: the stream is cut short
        """
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            if not packed:
                raise EOFError("the compressed stream is cut short")
            found = self._inflate.decompress(packed, size)
            if found:
                return found
        return b""


def _opener(head: bytes) -> Callable[[Any], Any] | None:
    for magic, opener in (
        (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
        (b"BZh", bz2.BZ2File),
        (b"\xfd7zXZ\0", lzma.LZMAFile),
        (b"\x5d\0\0", lzma.LZMAFile),
        (b"\x78\x01", _Inflated),
        (b"\x78\x9c", _Inflated),
        (b"\x78\xda", _Inflated),
    ):
        if head.startswith(magic):
            return opener
    return None
