"""Rules: the lines of a plot as a Plotly figure and as the rows of its table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from django.utils.translation import gettext as _

from accounts.csv_cells import neutral
from experiments import csv_lines, figures
from experiments.curves import MAX_POINTS, Curve, thinned
from lineage.plot_drawing import Drawn, Line, Look, Points

# Points of a picture, shared by its lines.
_POINTS = 8_000

Row = tuple[str, list[float | None]]


def figure(drawn: Drawn) -> str:
    """Return the lines as a figure, as JSON; what the base had is dashed and behind."""
    columns = _columns(drawn)
    most = min(MAX_POINTS, _POINTS // max(len(columns), 1))
    before, now = [], []
    for number, line in enumerate(drawn.lines):
        now += _trace(drawn, line.name, line.points, number, most)
        if line.before:
            traces = _trace(drawn, before_name(line), line.before, number, most, dash="dash")
            before += [{**trace, "showlegend": len(drawn.lines) == 1} for trace in traces]
    labels = (drawn.x_title or _("row"), drawn.record.y_label or _only_name(drawn))
    layout = {
        "xaxis": {"title": {"text": _plain(labels[0])}},
        "yaxis": {"title": {"text": _plain(labels[1])}},
        "hovermode": "x unified" if drawn.look is Look.LINES else "closest",
        "showlegend": len(columns) > 1,
        # Of one line the legend tells both, itself first; of several it has no place for twice as many.
        "legend": {"traceorder": "reversed" if len(drawn.lines) == 1 else "normal"},
    }
    return figures.text([*before, *now], layout)


def before_name(line: Line) -> str:
    """Return what the line of the base is called."""
    return _("%(name)s before") % {"name": line.name}


def names(drawn: Drawn) -> list[str]:
    """Return the names of the columns of `rows` beside the one from left to right."""
    return [name for name, _points in _columns(drawn)]


def rows(drawn: Drawn) -> list[Row]:
    """Return place and one value for each line, and for each of the base; None where it has none there."""
    columns = _columns(drawn)
    found: dict[tuple[float, int], list[float | None]] = {}
    for column, (_name, points) in enumerate(columns):
        seen: dict[float, int] = {}
        for x, y in zip(points.x, points.y, strict=True):
            # A place that a line has several times makes several rows.
            again = seen[x] = seen.get(x, -1) + 1
            found.setdefault((x, again), [None] * len(columns))[column] = None if math.isnan(y) else y
    ordered = sorted(found.items(), key=lambda pair: pair[0])
    return [(f"{x:.15g}", values) for (x, _again), values in ordered]


def csv(drawn: Drawn) -> Iterator[str]:
    """Yield the rows as lines of a file below those that name the columns."""
    yield csv_lines.line(map(neutral, [drawn.x_title or "row", *names(drawn)]))
    for x, values in rows(drawn):
        yield csv_lines.line([x, *("" if value is None else value for value in values)])


def _columns(drawn: Drawn) -> list[tuple[str, Points]]:
    found = []
    for line in drawn.lines:
        found.append((line.name, line.points))
        if line.before:
            found.append((before_name(line), line.before))
    return found


def _trace(
    drawn: Drawn, name: str, points: Points, number: int, most: int, dash: str = "solid"
) -> list[dict[str, Any]]:
    import numpy as np

    x, y = np.array(points.x), np.array(points.y)
    kept = thinned(y, most)
    made = figures.line(Curve(x[kept], y[kept], None), _plain(name), number, dash=dash)
    is_before = dash != "solid"
    if drawn.look is Look.LINES:
        return [{**trace, "mode": "lines"} for trace in made] if is_before and len(kept) > 1 else made
    symbol = "circle-open" if is_before else "circle"
    return [{**trace, "mode": "markers", "marker": {"symbol": symbol}} for trace in made]


def _only_name(drawn: Drawn) -> str:
    found: Sequence[str] = list(dict.fromkeys(line.name for line in drawn.lines))
    return found[0] if len(found) == 1 else ""


def _plain(text: str) -> str:
    """Return text of a repository as Plotly shows it: it takes some tags for markup, links among them."""
    return escape(text, quote=False)
