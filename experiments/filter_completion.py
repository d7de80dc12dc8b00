"""Rules: what may come next in a filter that is being written. No database, no Django."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from experiments import filters
from experiments.filters import ATTRIBUTES, FilterError

FIELDS = ("metrics.", "params.", "tags.", *sorted(set(ATTRIBUTES.values())))
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "like", "ilike", "in (", "not in (", "is null", "is not null")
JOINERS = ("and", "or")
#: Longer texts are completed no more.
MAX_TEXT = 2_000

_NAME = r"""[A-Za-z_]\w*(?:\.(?:"[^"]+"|`[^`]+`|[^\s()=!<>,"'`]+))?"""
_VALUE = re.compile(
    rf"""({_NAME})\s*(?:=|!=|<>|<=|>=|<|>|\b(?:not\s+)?i?like\b|\b(?:not\s+)?in\s*\((?:[^()]*,)?)\s*("[^"]*|[^\s"'(),]*)$""",
    re.IGNORECASE,
)
_OPERATOR = re.compile(rf"""(?:^|[\s(])({_NAME})\s+([a-z!<>= ]*)$""", re.IGNORECASE)
_WORD = re.compile(r"""(?:[A-Za-z_]\w*\.["`][^"`]*|[^\s()=!<>,"']*)$""")
_KEYWORDS = frozenset({"and", "or", "not"})


@dataclass(frozen=True)
class Place:
    """What is being written at the end of a text.

    :ivar kind: ``field``, ``key``, ``operator``, ``value`` or ``joiner``
    :ivar start: where it begins; what is chosen takes the place of everything from there on
    :ivar prefix: what is there of it already
    :ivar field: kind and key of the field, for keys (without a key) and values
    """

    kind: str
    start: int
    prefix: str
    field: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Completion:
    """One way to go on.

    :ivar text: what stands from `Place.start` on then
    """

    text: str
    label: str


def place(text: str) -> Place:
    """Return what is being written at the end of `text`."""
    if found := _VALUE.search(text):
        field = _field(found[1])
        if field:
            return Place("value", found.start(2), found[2].removeprefix('"'), field)
    if (found := _OPERATOR.search(text)) and found[1].lower() not in _KEYWORDS and _field(found[1]):
        return Place("operator", found.start(2), found[2].lower())
    start = _WORD.search(text).start()  # type: ignore[union-attr]
    word = text[start:]
    if _is_complete(text[:start]):
        return Place("joiner", start, word.lower())
    kind, dot, key = word.partition(".")
    known = _field(f"{kind}.x") if dot else None
    if known:
        return Place("key", start, key.lstrip('"`'), (known[0], ""))
    return Place("field", start, word.lower())


def fixed(at: Place) -> list[Completion]:
    """Return the words of the language that go on at `at`."""
    words = {"field": FIELDS, "operator": OPERATORS, "joiner": JOINERS}.get(at.kind, ())
    return [
        Completion(word if word.endswith((".", "(")) else f"{word} ", word)
        for word in words
        if word.startswith(at.prefix)
    ]


def of_keys(at: Place, keys: Iterable[str]) -> list[Completion]:
    """Return the fields of the kind of `at` with these keys."""
    names = [filters.written(at.field[0], key) for key in keys]
    return [Completion(f"{name} ", name) for name in names]


def of_values(values: Iterable[str]) -> list[Completion]:
    """Return the values as texts of the language."""
    return [Completion(f"{filters.quoted(value)} ", value) for value in values]


def _is_complete(text: str) -> bool:
    """Say whether what stands before a word is a filter by itself."""
    try:
        return bool(text.strip()) and not filters.is_words(text) and filters.parse(text) is not None
    except FilterError:
        return False


def _field(name: str) -> tuple[str, str] | None:
    """Return kind and key of the field called `name`, if there is such a field."""
    try:
        found = filters.parse(f"{name} is null")
    except FilterError:
        return None
    return (found.field.kind, found.field.key) if isinstance(found, filters.Condition) else None
