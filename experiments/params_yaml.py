"""The values of a YAML parameters file, where each stands in the text, and how to replace it there.

A file is read as DVC reads it (ruamel.yaml, safe constructors, YAML 1.2). It comes from a repository, so it
is bounded before anything is built from it: length, depth, aliases (no alias inside of what an anchor names,
so nothing can multiply), tags (none). A change replaces the characters of the value alone; everything else,
comments and layout included, stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_CHARACTERS = 128 * 1024
MAX_DEPTH = 16
MAX_ALIASES = 100
MAX_NODES = 5000
MAX_LEAVES = 1000
MAX_HELP = 300
MAX_HELP_LINES = 10

_TOO_MANY = f"The file has more than {MAX_LEAVES} parameters or {MAX_NODES} values."

Path = tuple[str, ...]


class ParametersFileError(ValueError):
    """A parameters file that cannot be read or changed; the message is for a person."""


@dataclass(frozen=True)
class Leaf:
    """One value of the file.

    :ivar path: keys that lead to it, as text
    :ivar value: what DVC reads there
    :ivar help: comment beside it, else above it
    :ivar node: where it stands; None if it does not stand there alone (anchors, aliases, merged keys, keys
        that are not text)
    :ivar after_key: where the text behind its key begins
    """

    path: Path
    value: Any
    help: str = ""
    node: Node | None = None
    after_key: int = 0


def leaves(text: str) -> list[Leaf]:
    """Return every value of the file that is not a mapping, in the file's order.

    :raises ParametersFileError: not YAML, not a mapping, or beyond a bound
    """
    if len(text) > MAX_CHARACTERS:
        raise ParametersFileError(f"The file has more than {MAX_CHARACTERS} characters.")
    try:
        _check_events(text)
        data = _yaml().load(text)
        root = _yaml().compose(text)
    except YAMLError as error:
        raise ParametersFileError(f"The file is not valid YAML: {_first_line(error)}") from None
    except ParametersFileError:
        raise
    except ValueError as error:
        # Dates that do not exist, integers of thousands of digits.
        raise ParametersFileError(f"The file has a value that cannot be read: {_first_line(error)}") from None
    if data is None:
        return []
    if not isinstance(data, dict):
        raise ParametersFileError("The file does not hold a mapping of names to values.")
    placed = {path: (key, value) for path, key, value in _placed(root, ())}
    found: list[Leaf] = []
    weight = 0
    for path, value in _flattened(data, ()):
        # Aliases repeat values without adding nodes.
        weight += _weight(value)
        if len(found) == MAX_LEAVES or weight > MAX_NODES:
            raise ParametersFileError(_TOO_MANY)
        found.append(_leaf(text, path, value, placed.get(path)))
    return found


def replace(text: str, changes: Mapping[Path, Any]) -> str:
    """Return `text` with the values at the paths of `changes` replaced.

    :raises ParametersFileError: the file cannot be read, or the values cannot be replaced without touching
        others (which the result is checked for)
    """
    before = leaves(text)
    if not changes.keys() <= {leaf.path for leaf in before}:
        raise ParametersFileError("The file does not have all of these values.")
    edits: list[tuple[int, int, str]] = []
    for leaf in before:
        if leaf.path in changes:
            if leaf.node is None:
                raise ParametersFileError(f"{'.'.join(leaf.path)} does not stand alone in the file.")
            edits.extend(_edits(text, leaf.node, leaf.after_key, leaf.value, changes[leaf.path]))
    result = text
    for start, end, new in sorted(edits, reverse=True):
        result = result[:start] + new + result[end:]
    # The text of a value tells its type too, all the way down; NaN, which differs from itself, included.
    expected = [(leaf.path, repr(changes.get(leaf.path, leaf.value))) for leaf in before]
    if [(leaf.path, repr(leaf.value)) for leaf in leaves(result)] != expected:
        raise ParametersFileError("The values cannot be replaced without touching others.")
    return result


def spell(value: Any) -> str:
    """Return `value` as YAML that every version of YAML reads as this very value, on one line.

    Floats always get a point and exponents a sign (`1.0e-05`), because YAML 1.1 takes `1e-05` for text; texts
    that some version takes for something else are quoted.
    """
    if isinstance(value, list):
        return f"[{', '.join(map(spell, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        mantissa, exponent, power = repr(value).partition("e")
        return mantissa + ("" if "." in mantissa else ".0") + exponent + power
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else "'" + value.replace("'", "''") + "'"
    return str(value)


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
# What YAML 1.1 or 1.2, or a reader of either, takes for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_COLON = re.compile(r"[ \t]*:")
_BESIDE = re.compile(r"[ \t]*(?:[|>][+-]?[0-9]?[+-]?)?[ \t,\]}]*[ \t]#([^\r\n]*)")
_COMMENT_LINE = re.compile(r"([ \t]*)#([^\r\n]*)")
_ORNAMENT = re.compile(r"[\s#=*~_.-]*")


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _first_line(error: Exception) -> str:
    return " ".join(str(getattr(error, "problem", None) or error).split())[:200]


def _check_events(text: str) -> None:
    nodes, depth, aliases, anchored_at = 0, 0, 0, 0
    for event in _yaml().parse(text):
        nodes += isinstance(event, NodeEvent)
        if nodes > MAX_NODES:
            raise ParametersFileError(_TOO_MANY)
        if isinstance(event, AliasEvent):
            aliases += 1
            if anchored_at or aliases > MAX_ALIASES:
                raise ParametersFileError("The file has aliases that multiply, or too many of them.")
        elif isinstance(event, NodeEvent) and _tag(event):
            raise ParametersFileError(f"The file has a tag ({_tag(event)}); only plain values are read.")
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ParametersFileError(f"The file is nested deeper than {MAX_DEPTH} levels.")
            anchored_at = anchored_at or (depth if event.anchor else 0)
        elif isinstance(event, CollectionEndEvent):
            anchored_at = 0 if anchored_at == depth else anchored_at
            depth -= 1


def _tag(event: NodeEvent) -> str:
    return str(event.tag) if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag else ""


def _flattened(data: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in data.items():
        here = (*path, key if isinstance(key, str) else repr(key))
        if isinstance(value, dict):
            yield from _flattened(value, here)
        else:
            yield here, value


def _weight(value: Any) -> int:
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return 1 + sum(map(_weight, items))
    return 1


def _placed(node: Node, path: Path) -> Iterator[tuple[Path, Node, Node]]:
    """Yield path, key and value of every value that stands alone: not in anything that an anchor names."""
    if not isinstance(node, MappingNode) or node.anchor:
        return
    for key, value in node.value:
        if key.tag != "tag:yaml.org,2002:str" or not isinstance(key, ScalarNode) or key.anchor:
            continue
        here = (*path, key.value)
        if isinstance(value, MappingNode):
            yield from _placed(value, here)
        elif not _has_anchor(value):
            yield here, key, value


def _has_anchor(node: Node) -> bool:
    return bool(node.anchor) or (isinstance(node, SequenceNode) and any(map(_has_anchor, node.value)))


def _leaf(text: str, path: Path, value: Any, placed: tuple[Node, Node] | None) -> Leaf:
    if placed is None:
        return Leaf(path, value)
    key, node = placed
    colon = _COLON.match(text, key.end_mark.index)
    if colon is None:
        return Leaf(path, value)
    comment = _beside(text, colon.end(), node) or _above(text, key)
    return Leaf(path, value, comment, node, colon.end())


def _beside(text: str, after_key: int, node: Node) -> str:
    """Return the comment on the line of the key, or behind the value unless that is a list of lines."""
    block = isinstance(node, SequenceNode) and not node.flow_style
    for position in (after_key,) if block else (after_key, _span(text, node, after_key)[1]):
        comment = _BESIDE.match(text, position)
        if comment:
            return _tidy([comment[1]])
    return ""


def _above(text: str, key: Node) -> str:
    """Return the comment lines right above a key that begins its line, if they are indented like it."""
    end = text.rfind("\n", 0, key.start_mark.index)
    if text[end + 1 : key.start_mark.index].strip():
        return ""
    found: list[str] = []
    while end >= 0 and len(found) < MAX_HELP_LINES:
        start = text.rfind("\n", 0, end) + 1
        comment = _COMMENT_LINE.fullmatch(text[start:end].rstrip("\r"))
        if comment is None or len(comment[1]) != key.start_mark.column:
            break
        found.insert(0, comment[2])
        end = start - 1
    return _tidy(found)


def _tidy(comments: list[str]) -> str:
    kept = [comment.strip("# \t") for comment in comments if not _ORNAMENT.fullmatch(comment)]
    return " ".join(kept)[:MAX_HELP]


def _span(text: str, node: Node, after_key: int) -> tuple[int, int]:
    """Return where a value begins and ends; comments and line breaks behind it are not part of it."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, ScalarNode):
        if _is_empty(node):
            return after_key, after_key
        return start, start + len(text[start:end].rstrip())
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return start, _span(text, last, last.start_mark.index)[1]
    return start, end


def _edits(text: str, node: Node, after_key: int, old: Any, new: Any) -> Iterator[tuple[int, int, str]]:
    if repr(old) == repr(new):
        return
    start, end = _span(text, node, after_key)
    if not isinstance(node, SequenceNode):
        yield start, end, f" {spell(new)}" if start == end else _quoted_like(node, new)
    elif isinstance(new, list) and len(new) == len(node.value):
        # Item by item: so spacing and the comments between the items stay.
        for item, old_item, new_item in zip(node.value, old, new, strict=True):
            yield from _edits(text, item, item.start_mark.index, old_item, new_item)
    elif node.flow_style:
        yield start, end, spell(new)
    elif not new:
        yield after_key, end, f" {spell(new)}"
    else:
        yield start, end, ("\n" + " " * node.start_mark.column).join(f"- {spell(item)}" for item in new)


def _is_empty(node: Node) -> bool:
    """Return whether this is a null that is written as nothing."""
    return isinstance(node, ScalarNode) and node.style is None and not node.value


def _quoted_like(node: Node, new: Any) -> str:
    style = getattr(node, "style", None)
    if isinstance(new, str) and style in ("'", '"') and "\\" not in new and style not in new:
        return f"{style}{new}{style}"
    return spell(new)
