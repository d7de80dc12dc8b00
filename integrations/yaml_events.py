"""Building plain values from the events of a YAML parser: the 1.2 dialect, bounded in depth and in size.

libyaml's parser makes the events, which takes a tenth of the time of a parser in Python; its own builder is
not used, because a few thousand brackets are the end of the process there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import yaml

MAX_DEPTH = 100
MAX_MERGED = 20  # mappings that `<<` puts into one
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NUMBER_START = frozenset("-+.0123456789")
_INT = re.compile(r"[-+]?(0b[01][01_]*|0o[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"\d\d\d\d-\d\d-\d\d")
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", _TAG + "str"})
_PLAIN_TAGS = frozenset({None, *(_TAG + name for name in ("int", "float", "bool", "null", "map", "seq"))})
_MERGE = object()


class EventsError(ValueError):
    """The document is not what it should be; the message is a part of a sentence."""


def load(text: str, max_nodes: int) -> Any:
    """Return the value of the only document of ``text``, None if it has none.

    Aliases give the value they stand for and count as often as they are used; they cannot make a value hold
    itself. Of tags only those are taken that name YAML's own plain types.

    :raises EventsError: too deep, too large, an unknown tag or alias, equal keys, several documents
    :raises yaml.YAMLError: it is no YAML
    """
    builder = _Builder(yaml.parse(text, Loader=_LOADER), max_nodes)
    return builder.document()


class _Builder:
    def __init__(self, events: Iterator[Any], room: int) -> None:
        self._events = events
        self._room = room
        self._anchors: dict[str, tuple[Any, int]] = {}

    def document(self) -> Any:
        value, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise EventsError("more than one document")
                value = self._value(next(self._events), 0)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._room
        self._take(1)
        if depth > MAX_DEPTH:
            raise EventsError("nested too deeply")
        value = self._made(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, before - self._room)
        return value

    def _made(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if event.tag not in _PLAIN_TAGS:
            raise EventsError(f"unknown tag {event.tag[:100]!r}")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return self._mapping(depth)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise EventsError(f"unknown alias {event.anchor[:100]!r}")
        value, size = self._anchors[event.anchor]
        self._take(size)
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[Any, Any]:
        entries: dict[Any, Any] = {}
        merged: list[Any] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = _MERGE if _is_merge(event) else self._value(event, depth + 1)
            value = self._value(next(self._events), depth + 1)
            if key is _MERGE:
                merged += value if isinstance(value, list) else [value]
            else:
                _put(entries, key, value)
        return self._with_merged(entries, merged) if merged else entries

    def _with_merged(self, entries: dict[Any, Any], merged: list[Any]) -> dict[Any, Any]:
        if len(merged) > MAX_MERGED or not all(isinstance(one, dict) for one in merged):
            raise EventsError("'<<' stands for something that cannot be merged")
        for one in merged:
            self._take(len(one))
            for key, value in one.items():
                entries.setdefault(key, value)
        return entries

    def _take(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise EventsError("too many values")


def _put(entries: dict[Any, Any], key: Any, value: Any) -> None:
    try:
        known = key in entries
    except TypeError:
        raise EventsError("a key is no scalar") from None
    if known:
        raise EventsError(f"the key {str(key)[:100]!r} is there twice")
    entries[key] = value


def _is_merge(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag not in _PLAIN_TAGS:
        raise EventsError(f"unknown tag {event.tag[:100]!r}")
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return _number_or_date(text) if text[0] in _NUMBER_START else text


def _number_or_date(text: str) -> Any:
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return date.fromisoformat(text) if _DATE.fullmatch(text) else text


def _integer(text: str) -> int:
    digits = text.lstrip("+-").lower()
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2], 10)
    return int(text, base)
