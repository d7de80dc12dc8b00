"""Filters that say this app's fixed words in the reader's language."""

from django import template

from experiments.value_text import value_text
from lineage import labels

register = template.Library()


@register.filter
def data_kind(name: str) -> str:
    """Return the word for a kind of data."""
    return str(labels.DATA_KINDS.get(name, name))


@register.filter
def promotion_kind(name: str) -> str:
    """Return the word for a kind of promotion."""
    return str(labels.PROMOTION_KINDS.get(name, name))


@register.filter
def stage_kind(name: str) -> str:
    """Return the word for a kind of stage."""
    return str(labels.STAGE_KINDS.get(name, name))


@register.filter
def file_change(name: str) -> str:
    """Return the word for what became of a file."""
    return str(labels.FILE_CHANGES.get(name, name))


@register.filter
def change_kind(name: str) -> str:
    """Return the word for a kind of change of a stage."""
    return str(labels.CHANGE_KINDS.get(name, name))


@register.filter
def plain_value(value: object) -> str:
    """Return a value of a parameters file as one types it, a dash for none."""
    return "\u2013" if value is None else value_text(value)


@register.filter
def gto_action(name: str) -> str:
    """Return the word for what a tag of GTO did."""
    return str(labels.GTO_ACTIONS.get(name, name))


@register.filter
def kept_rows(name: str) -> str:
    """Return the word for the kind of rows of which a report holds the newest only."""
    return str(labels.KEPT_ROWS.get(name, name))
