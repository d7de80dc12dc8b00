"""What a pickle would import, found by following its instructions symbolically, never by running them.

The library `fickling` does it: it keeps the pickle machine's stack and memo, so a name that is put together
out of the memo, or popped and pushed again, is found as well. It gives an empty program where it runs out of
its limits, which would read as "imports nothing"; therefore its interpreter is used directly here, and
whatever it cannot follow is an error.
"""

from __future__ import annotations

import ast
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from typing import IO

from fickling.exception import ResourceExhaustionError
from fickling.fickle import EmptyPickleError, Interpreter, Pickled

MAX_PICKLE_BYTES = 64 * 1024 * 1024
#: torch's old format writes five, one after the other; nobody writes more than a few.
MAX_PICKLES = 100
MAX_NAMES = 10_000

_MALFORMED = (
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError),
    *(struct.error, ResourceExhaustionError),
)
_IMPORTS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"REDUCE", "OBJ", "INST", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_PROTO = re.compile(rb"\x80[\x00-\x05]")

# what `torch.save` needs for tensors in plain containers; none of it runs code of the file
_TENSOR_GLOBAL = re.compile(
    r"torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|collections\.OrderedDict"
    r"|torch\.(\w+Storage|Size|device)|torch\.storage\.(Untyped|Typed)Storage"
)


class UnreadablePickleError(ValueError):
    """The instructions are malformed, too many, or hide which names they import.

    :ivar names: what was found before
    """

    def __init__(self, message: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.names = names


def scanner() -> str:
    """Return name and version of the library that looks into pickles."""
    return f"fickling {version('fickling')}"


def imported_names(data: bytes) -> frozenset[str]:
    """Return the names (`module.name`) that the pickles at the start of `data` import.

    :raises UnreadablePickleError: that cannot be told
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise UnreadablePickleError("too large")
    names: set[str] = set()
    for pickled, complete in _pickles(data):
        try:
            names |= _names(pickled)
        except _MALFORMED as error:
            raise UnreadablePickleError(_reason(error), frozenset(names)) from error
        if not complete:
            raise UnreadablePickleError("it ends in the middle of its instructions", frozenset(names))
    return frozenset(names)


def runs_something(data: bytes) -> bool:
    """Say whether bytes without a pickle's header would, taken for a pickle, import something and use it.

    Protocols 0 and 1 have no header and look like text, and a pickle runs up to its first fault. Text that
    happens to begin with a letter that is an instruction does not get as far.
    """
    try:
        pickled = Pickled.load(io.BytesIO(data), fail_on_decode_error=False)
    except (EmptyPickleError, *_MALFORMED):
        return False
    imported = False
    interpreter = Interpreter(pickled)
    try:
        while True:
            name = interpreter.step().name
            imported = imported or name in _IMPORTS
            if imported and (name in _CALLS or name == "STOP"):
                return True
    except (StopIteration, *_MALFORMED):
        return False


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


def _pickles(data: bytes) -> Iterator[tuple[Pickled, bool]]:
    """Yield the pickles at the start of `data`, each with whether it goes on to its STOP.

    What follows the first one counts if it has the header of a pickle or would import something; else it is
    other content, such as the bytes of tensors.
    """
    stream = io.BytesIO(data)
    for number in range(MAX_PICKLES):
        start = stream.tell()
        try:
            pickled = Pickled.load(stream, fail_on_decode_error=False)
        except EmptyPickleError:
            if number == 0:
                raise UnreadablePickleError("it holds no instructions") from None
            return
        except _MALFORMED as error:
            raise UnreadablePickleError(_reason(error)) from error
        if len(pickled) == 0:
            return
        complete = pickled[-1].name == "STOP"
        if number == 0 or _PROTO.match(data, start) or runs_something(data[start:]):
            yield pickled, complete
        if not complete or stream.tell() >= len(data):
            return
    raise UnreadablePickleError(f"it holds more than {MAX_PICKLES} pickles")


def _names(pickled: Pickled) -> set[str]:
    interpreter = Interpreter(pickled)
    interpreter.run()
    names: set[str] = set()
    for statement in interpreter.module_body:
        # Imports are statements of their own in what the interpreter writes.
        if isinstance(statement, ast.ImportFrom):
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
        elif isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
    if len(names) > MAX_NAMES:
        raise ValueError(f"it imports more than {MAX_NAMES} names")
    if not names and any(one.name in _IMPORTS for one in pickled):
        raise ValueError("it computes the names that it imports")
    return names


def _reason(error: Exception) -> str:
    if isinstance(error, ResourceExhaustionError):
        return "it has too many instructions"
    return "it computes the names that it imports" if isinstance(error, LookupError) else "it is malformed"
