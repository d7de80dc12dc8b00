"""The body of the table of compared runs: thousands of cells, so it is written without a template."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config import badges, formatting, markup
from experiments.compare_cells import Cell, Line
from experiments.compare_labels import DIRECTIONS, SECTIONS
from experiments.compare_rows import Row
from experiments.selectors.compare import Compared

register = template.Library()

# What is shown of a long value; all of it is on the page of its run, in the file, and over REST.
_MOST = 120
# Text, because a drawing for each cell would be most of the page.
_ARROWS = {1: "\N{UPWARDS ARROW}", 0: "=", -1: "\N{DOWNWARDS ARROW}"}


@register.simple_tag
def compare_rows(lines: Iterable[Line], runs: Sequence[Compared]) -> SafeString:
    """Return the rows of the table, a body for each section."""
    marks = [f' data-run="{one.run.pk}"{" data-baseline" if one.is_baseline else ""}' for one in runs]
    parts: list[str] = []
    for section, found in groupby(lines, key=lambda line: line.row.section):
        parts.append(
            f'\n<tbody class="compare-section"><tr><th scope="rowgroup" colspan="{len(runs) + 1}">'
            f"<span>{escape(SECTIONS[section])}</span></th></tr></tbody><tbody>"
        )
        parts.extend(_row(line.row, line.cells, marks) for line in found)
        parts.append("</tbody>")
    return mark_safe("".join(parts))  # noqa: S308 - every value is escaped below


def _row(row: Row, cells: list[Cell], marks: list[str]) -> str:
    key = escape(row.key)
    about = _about(row)
    differs = ' data-differs tabindex="-1"' if row.differs else ""
    body = "".join(_cell(row, cell, mark) for cell, mark in zip(cells, marks, strict=True))
    name = f'<th scope="row"><span class="truncate" title="{key}">{key}</span>{about}</th>'
    return f"\n<tr{differs}>{name}{body}</tr>"


def _about(row: Row) -> str:
    if row.meaning is None:
        return ""
    words = [escape(str(DIRECTIONS[row.meaning.goal]))] if row.meaning.goal else []
    words += [escape(row.meaning.unit)] if row.meaning.unit else []
    return f'<span class="compare-about">{" · ".join(words)}</span>' if words else ""


def _cell(row: Row, cell: Cell, mark: str) -> str:
    differs = " data-differs" if cell.differs else ""
    if row.meaning is None:
        return f"<td{mark}{differs}>{_text(cell.value)}</td>"
    step = f'<span class="compare-step">@ {cell.step}</span>' if cell.step is not None else ""
    return f'<td class="num"{mark}{differs}>{_number(cell.value)}{step}{_delta(cell)}</td>'


def _text(value: object) -> str:
    if value is None:
        return markup.no_value()
    text = str(value)
    short = escape(text if len(text) <= _MOST else f"{text[:_MOST]}…")
    return f'<span class="truncate" title="{short}">{short}</span>' if text else _("empty")


def _number(value: float | None) -> str:
    if value is None:
        return markup.no_value()
    shown = formatting.significant(value)
    exact = str(value) if math.isfinite(value) else shown
    return shown if exact == shown else f'<span title="{exact}">{shown}</span>'


def _delta(cell: Cell) -> str:
    if cell.delta is None or (cell.delta == 0 and cell.verdict == "unjudged"):
        return ""
    arrow = _ARROWS[(cell.delta > 0) - (cell.delta < 0)]
    word = escape(str(badges.VERDICTS[cell.verdict])) if cell.verdict else ""
    text = f"{arrow} {formatting.signed(cell.delta)} {word}"
    return f'<span class="delta" data-verdict="{cell.verdict}">{text.rstrip()}</span>'
