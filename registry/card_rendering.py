"""A version's card as people and the Hub read it: placeholders filled, Markdown as HTML."""

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from experiments import markdown
from registry import card_sections, card_values
from registry.card_format import CardError, parse
from registry.card_placeholders import fill
from registry.card_values import Values
from registry.models import ModelVersion


@dataclass(frozen=True)
class Shown:
    """A card as a page shows it.

    :ivar html: the Markdown
    :ivar fields: entries of the front matter as (name, text), in their order
    :ivar problem: why the front matter cannot be read; else empty
    :ivar missing: see `card_sections.missing`; `unknown`: names of placeholders that stand for nothing
    """

    html: SafeString
    fields: tuple[tuple[str, str], ...]
    problem: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def sections(self) -> list[tuple[str, bool]]:
        """Every required section, and whether it is there."""
        return [(section.name, section.name not in self.missing) for section in card_sections.REQUIRED]

    @property
    def found(self) -> int:
        """How many of the required sections are there."""
        return sum(there for _name, there in self.sections)


def html(version: ModelVersion, text: str) -> SafeString:
    """Return the card's Markdown as HTML, with the values of `version`. One query."""
    return shown(version, text).html


def shown(version: ModelVersion, text: str, values: Values | None = None) -> Shown:
    """Return what a page shows of a card. One query unless `values` are given."""
    known = card_values.of(version) if values is None else values
    filled = fill(text, known)
    card = parse(filled.text)
    problem, fields = "", {}
    try:
        fields = card.fields
    except CardError as error:
        problem = str(error)
    return Shown(
        markdown.render_card(card.body, filled.marks),
        tuple((name, _one_line(value)) for name, value in fields.items()),
        problem,
        card_sections.missing(text, known),
        filled.unknown,
    )


def readme(version: ModelVersion, text: str) -> str:
    """Return the `README.md` of a card: its placeholders filled with the values of `version`. One query."""
    return fill(text, card_values.of(version)).text


def _one_line(value: Any, limit: int = 300) -> str:
    """Return a value of the front matter in a few words; what is nested is counted."""
    if isinstance(value, dict):
        text = ", ".join(value)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        names = [str(item["name"]) for item in value if isinstance(item, dict) and "name" in item]
        text = ", ".join(names) or f"({len(value)})"
    elif isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
