"""Rules: placeholders such as `{{ metrics.val_cer }}`, so that the numbers of a card cannot drift.

Not a template language: a name in double braces stands for one value, and nothing else means anything. In
code only names that are known are filled, because double braces are common there. A value is written so that
it is text where it stands: in Markdown, in HTML, in code and in YAML.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from registry import card_blocks, card_yaml
from registry.card_blocks import Place
from registry.card_format import Card, CardError, parse, quoted_placeholders

Value = str | int | float | bool | None

_PLACEHOLDER = re.compile(r"\{\{[ \t]*([^{}\r\n]{1,100}?)[ \t]*\}\}")
_WHITE = re.compile(r"\s+|[\x00-\x1f\x7f]")
_SPECIAL = re.compile(r"[\\`*\[\]<>|&~{}$]|(?<![^\W_])_|_(?![^\W_])")
# What would start a list, a heading or a rule: `- a`, `1. a`, `# a`, `---`.
_BLOCK = re.compile(r"^(\d{0,9})([-+=#.)])(?=\s|$|[-=#])")
_LONGEST = 2000
_MOST_UNKNOWN = 50


@dataclass(frozen=True)
class Filled:
    """A card with its values in place.

    :ivar unknown: names that nothing is known about, each once, in their order
    """

    text: str
    unknown: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """The unknown placeholders as they stand in the text."""
        found = (match for match in _PLACEHOLDER.finditer(self.text) if match[1] in self.unknown)
        return tuple(dict.fromkeys(match[0] for match in found))


def names(text: str) -> tuple[str, ...]:
    """Return every name that the card's text asks for (that in code included), each once."""
    return tuple(dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(text)))


def fill(text: str, values: Mapping[str, Value]) -> Filled:
    """Return the card with its placeholders filled.

    :param text: front matter and Markdown
    :param values: name -> value; a name whose value is None is unknown
    """
    known = {name: value for name, value in values.items() if value is not None}
    card, unknown = parse(text), dict[str, None]()
    front = _in_front(card, known, unknown)
    body = "".join(_in_piece(piece, known, unknown) for piece in card_blocks.pieces(card.body))
    return Filled(f"{card.opening}{front}{card.closing}{body}", tuple(unknown)[:_MOST_UNKNOWN])


def shown(value: Value) -> str:
    """Return a value as a person reads it: four significant digits, on one line."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return _WHITE.sub(" ", text).strip()[:_LONGEST]


def _in_piece(piece: card_blocks.Piece, known: Mapping[str, Value], unknown: dict[str, None]) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match[1] not in known:
            if piece.place in (Place.PROSE, Place.HTML):
                unknown[match[1]] = None
            return match[0]
        return _WRITERS[piece.place](shown(known[match[1]]))

    return piece.text if piece.place is Place.COMMENT else _PLACEHOLDER.sub(replaced, piece.text)


def _as_markdown(value: str) -> str:
    """Return text in which nothing means anything to Markdown, also at the start of a line."""
    escaped = _SPECIAL.sub(lambda match: f"\\{match[0]}", value)
    return _BLOCK.sub(lambda match: f"{match[1]}\\{match[2]}", escaped)


def _as_code(value: str) -> str:
    return value.replace("`", "'")


def _in_front(card: Card, known: Mapping[str, Value], unknown: dict[str, None]) -> str:
    """Fill whole scalars of the YAML: a value alone keeps its type, one among words becomes text."""
    if "{{" not in card.front:
        return card.front
    try:
        scalars = card.document.scalars
    except CardError:
        return card.front
    source, pieces, end = quoted_placeholders(card.front), [], 0
    for scalar in scalars:
        if "{{" not in scalar.text or scalar.start < end:
            continue
        pieces += [source[end : scalar.start], _scalar(scalar, source, known, unknown)]
        end = scalar.end
    return "".join([*pieces, source[end:]])


def _scalar(
    scalar: card_yaml.Scalar, source: str, known: Mapping[str, Value], unknown: dict[str, None]
) -> str:
    for name in names(scalar.text):
        if name not in known:
            unknown[name] = None
    written = source[scalar.start : scalar.end]
    alone = _PLACEHOLDER.fullmatch(scalar.text.strip())
    if alone:
        return card_yaml.inline(known[alone[1]]) if alone[1] in known else written
    filled = _PLACEHOLDER.sub(
        lambda match: shown(known[match[1]]) if match[1] in known else match[0], scalar.text
    )
    if scalar.style in ("|", ">"):
        # Values have no line ends, so they stay inside their block.
        return _PLACEHOLDER.sub(
            lambda match: shown(known[match[1]]) if match[1] in known else match[0], written
        )
    return card_yaml.inline(filled) if filled != scalar.text else written


_WRITERS: dict[Place, Callable[[str], str]] = {
    Place.PROSE: _as_markdown,
    Place.HTML: escape,
    Place.CODE: _as_code,
}
