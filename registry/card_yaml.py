"""Rules: the YAML at the head of a model card, read without tags, aliases or anything unbounded.

Values are those of YAML 1.2's core schema, as the Hugging Face Hub reads them: `no` is the language, not
False, and a date stays text. Positions are kept, so that one entry can be exchanged and all other bytes stay.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 20
MAX_NODES = 50_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


class YamlError(ValueError):
    """The YAML cannot be taken; the message is one sentence."""


@dataclass(frozen=True)
class Scalar:
    """One scalar of the source: its text, where it stands (characters), and how it is written."""

    text: str
    start: int
    end: int
    style: str | None


@dataclass(frozen=True)
class Document:
    """What was read.

    :ivar data: the mapping
    :ivar lines: top-level key -> its first line and the line after its value; empty for flow style
    :ivar flow: whether the mapping is written in flow style, `{a: 1}`
    :ivar scalars: every scalar, keys included, in the order of the source
    """

    data: dict[str, Any]
    lines: dict[str, tuple[int, int]]
    scalars: tuple[Scalar, ...]
    flow: bool = False


def read(text: str) -> Document:
    """Read a mapping.

    :param text: YAML without document marks; at most what the caller allows
    :raises YamlError: not YAML, not a mapping, or it uses tags, anchors, aliases, equal keys, or is too deep
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlError(f"The YAML cannot be read (line {line}): {error.problem}") from None
    except yaml.YAMLError:
        raise YamlError("The YAML cannot be read: it holds characters that YAML does not allow.") from None
    return builder.document(text)


def write(value: Any) -> str:
    """Return a value as YAML for one top-level entry, without the entry's name and without a line end."""
    if isinstance(value, dict | list) and value:
        dumped = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10**6)
        indented = "\n".join(f"  {line}" if line else "" for line in dumped.rstrip("\n").split("\n"))
        return "\n" + indented
    return " " + inline(value)


def inline(value: Any) -> str:
    """Return a value on one line: JSON, which is YAML."""
    if isinstance(value, float) and value != value:
        return ".nan"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return json.dumps(value, ensure_ascii=False)


@dataclass
class _Open:
    """A mapping or sequence that is being read; `key` waits for its value."""

    value: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass
class _Builder:
    """Builds values out of parser events without recursion."""

    stack: list[_Open] = field(default_factory=list)
    root: Any = None
    started: bool = False
    documents: int = 0
    nodes: int = 0
    starts: list[tuple[str, int]] = field(default_factory=list)
    scalars: list[Scalar] = field(default_factory=list)
    flow: bool = False

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise YamlError("The YAML holds more than one document.")
        elif isinstance(event, yaml.AliasEvent):
            raise YamlError(f"The YAML uses an alias (line {_line(event)}), which is not allowed.")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()

    def document(self, text: str) -> Document:
        """Return what was built."""
        if self.root is None:
            return Document({}, {}, ())
        if not isinstance(self.root, dict):
            raise YamlError("The YAML at the head of a card must be a mapping of names to values.")
        lines = {} if self.flow else _extents(text, self.starts)
        return Document(self.root, lines, tuple(self.scalars), self.flow)

    def _node(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(self.stack) > MAX_DEPTH:
            raise YamlError("The YAML is nested too deeply or holds too many values.")
        if event.anchor:
            raise YamlError(f"The YAML uses an anchor (line {_line(event)}), which is not allowed.")
        if getattr(event, "tag", None) not in (None, "!"):
            raise YamlError(f"The YAML uses a tag (line {_line(event)}), which is not allowed.")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        else:
            self._collection(event)

    def _collection(self, event: Any) -> None:
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if not self.started:
            self.flow = bool(event.flow_style)
        self._place(value, event)
        self.stack.append(_Open(value))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self.scalars.append(Scalar(event.value, _mark(event).index, _end(event).index, event.style))
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self._key(event)
        else:
            self._place(_resolved(event.value) if event.implicit[0] else event.value, event)

    def _key(self, event: yaml.ScalarEvent) -> None:
        parent = self.stack[-1]
        if event.value in parent.value:
            raise YamlError(f"The YAML names {event.value[:80]!r} twice (line {_line(event)}).")
        parent.key = event.value
        if len(self.stack) == 1:
            self.starts.append((event.value, _mark(event).line))

    def _place(self, value: Any, event: yaml.Event) -> None:
        if not self.started:
            self.started, self.root = True, value
            return
        parent = self.stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            raise YamlError(f"The YAML uses a collection as a name (line {_line(event)}).")
        else:
            parent.value[parent.key] = value
            parent.key = None


def _resolved(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _SPECIAL.get(text.lower())
    return float(special) if special else text


def _mark(event: yaml.Event) -> Any:
    return event.start_mark


def _end(event: yaml.Event) -> Any:
    return event.end_mark


def _line(event: yaml.Event) -> int:
    return int(_mark(event).line) + 1


def _extents(text: str, starts: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return the lines of each entry; comments and blank lines after it belong to nobody."""
    lines = text_lines(text)
    found, names = {}, list(starts)
    ends = [line for _name, line in names[1:]] + [len(lines)]
    for (name, first), end in zip(names, ends, strict=True):
        last = end
        while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
            last -= 1
        found[name] = (first, last)
    return found


def text_lines(text: str) -> list[str]:
    """Return the lines of `text` with their ends, cut where Markdown and YAML cut (CR, LF, CRLF) only."""
    return [line for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text) if line]
