"""What a pickle would import, found by reading its instructions, never by running them."""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

MAX_PICKLE_BYTES = 64 * 1024 * 1024
_STRINGS = frozenset({"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"})
_MEMO_PUT = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_MEMO_GET = frozenset({"GET", "BINGET", "LONG_BINGET"})

# what `torch.save` needs for tensors in plain containers; none of it runs code of the file
_TENSOR_GLOBAL = re.compile(
    r"torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|collections\.OrderedDict"
    r"|torch\.(\w+Storage|Size|device)|torch\.storage\.(Untyped|Typed)Storage"
)


class UnreadablePickleError(ValueError):
    """The instructions are malformed, too long, or hide which names they import."""


def imported_names(data: bytes) -> frozenset[str]:
    """Names (`module.name`) that a pickle imports; `UnreadablePickleError` when that cannot be told."""
    if len(data) > MAX_PICKLE_BYTES:
        raise UnreadablePickleError("too large")
    names: set[str] = set()
    recent: list[str | None] = []
    memo: dict[int, str | None] = {}
    for opcode, argument in _instructions(data):
        if opcode in {"GLOBAL", "INST"}:
            names.add(str(argument).replace(" ", ".", 1))
            recent.append(None)
        elif opcode == "STACK_GLOBAL":
            names.add(_joined(recent[-2:]))
            recent.append(None)
        elif opcode.startswith("EXT"):
            raise UnreadablePickleError("it uses the extension registry")
        elif opcode in _STRINGS:
            recent.append(str(argument))
        elif opcode in _MEMO_PUT:
            slot = len(memo) if opcode == "MEMOIZE" else int(str(argument))
            memo[slot] = recent[-1] if recent else None
        elif opcode in _MEMO_GET:
            recent.append(memo.get(int(str(argument))))
        else:
            recent.append(None)
    return frozenset(names)


def is_checkpoint_of_tensors(file: IO[bytes]) -> bool:
    """Whether a `torch.save` archive holds only tensors in plain containers."""
    try:
        with zipfile.ZipFile(file) as archive:
            pickles = [one for one in archive.infolist() if one.filename.endswith("data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE_BYTES:
                return False
            names = imported_names(archive.read(pickles[0]))
    except (ValueError, EOFError, OSError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
    return all(_TENSOR_GLOBAL.fullmatch(name) for name in names)


def _instructions(data: bytes) -> Iterator[tuple[str, object]]:
    stream = io.BytesIO(data)
    try:
        # torch's old format writes several pickles one after the other
        while stream.tell() < len(data):
            start = stream.tell()
            for opcode, argument, _ in pickletools.genops(stream):
                yield opcode.name, argument
            if not _is_pickle_start(data[stream.tell() : stream.tell() + 2]):
                return
            if stream.tell() == start:
                return
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise UnreadablePickleError(str(error)) from error


def _is_pickle_start(head: bytes) -> bool:
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5


def _joined(parts: list[str | None]) -> str:
    if len(parts) != 2 or None in parts:
        raise UnreadablePickleError("it computes the names that it imports")
    return f"{parts[0]}.{parts[1]}"
