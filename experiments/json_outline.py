"""Rules: a JSON text as lines that can be folded. No database, no markup.

Numbers stay as they are written and keys in their order, doubled ones included: what is shown is what is in
the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

MAX_LINES = 3_000
MAX_DEPTH = 30
MAX_TEXT = 1_000
#: Deeper than this, and longer than that, things are folded when the page is opened.
_OPEN_DEPTH = 3
_OPEN_SIZE = 60

Kind = Literal["open", "close", "text", "number", "word", "empty"]


class NoOutlineError(ValueError):
    """This text is no JSON, or one that is too deep or too long to be laid out."""


@dataclass(frozen=True)
class Line:
    """One line.

    :ivar kind: what begins or stands here; `open` and `close` come in pairs
    :ivar key: name or place in what is around it; empty at the top
    :ivar text: the value; of `open`, `close` and `empty` the brackets
    :ivar size: of `open`, how many things are in it
    :ivar is_open: of `open`, whether it is unfolded at first
    """

    kind: Kind
    key: str = ""
    text: str = ""
    size: int = 0
    is_open: bool = False


class _Number(str):
    """A number as it is written."""


class _Pairs(list[tuple[str, Any]]):
    """An object, its keys in their order."""


def outline(text: str) -> list[Line]:
    """Return `text` as lines.

    :raises NoOutlineError: it is no JSON, or too deep or long to be laid out
    """
    try:
        value = json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Pairs
        )
    except RecursionError:
        raise NoOutlineError("It is nested too deeply.") from None
    except ValueError as error:
        raise NoOutlineError(str(error)) from None
    lines = []
    for line in _lines("", value, 0):
        lines.append(line)
        if len(lines) > MAX_LINES:
            raise NoOutlineError("It has too many values.")
    return lines


def _lines(key: str, value: Any, depth: int) -> Iterator[Line]:
    if depth > MAX_DEPTH:
        raise NoOutlineError("It is nested too deeply.")
    if isinstance(value, _Pairs | list):
        brackets = "{}" if isinstance(value, _Pairs) else "[]"
        if not value:
            yield Line("empty", key, brackets)
            return
        is_open = depth < _OPEN_DEPTH and len(value) <= _OPEN_SIZE
        yield Line("open", key, brackets, len(value), is_open)
        named = value if isinstance(value, _Pairs) else [(str(at), item) for at, item in enumerate(value)]
        for name, item in named:
            yield from _lines(_cut(name), item, depth + 1)
        yield Line("close", text=brackets)
    elif isinstance(value, _Number):
        yield Line("number", key, _cut(value))
    elif isinstance(value, str):
        yield Line("text", key, _cut(value))
    else:
        yield Line("word", key, json.dumps(value))


def _cut(text: str) -> str:
    return str(text) if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
