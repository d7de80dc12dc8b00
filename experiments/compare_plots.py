"""Rules: how parameters and metrics of compared runs hang together: a scatter plot of any two, parallel axes.

A text is a place on an axis of categories; a run without a value is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from experiments import figures
from experiments.compare_rows import Row
from experiments.metric_goals import Goal

#: Parallel axes beyond these cannot be read (and are slow to draw).
MAX_AXES = 10
#: More are not offered at once; the search of the page finds the others.
MAX_OFFERED = 300
_MAX_PARAMS = 7
_MAX_CATEGORIES = 30
_MAX_LABEL = 40


@dataclass(frozen=True)
class PlotAxis:
    """A parameter or metric that can be an axis.

    :ivar values: numbers, or texts if one of them is none; None where a run has nothing (finite) to show
    """

    name: str
    key: str
    is_metric: bool
    goal: Goal
    values: tuple[Any, ...]

    @property
    def is_text(self) -> bool:
        """Whether it is an axis of categories."""
        return any(isinstance(value, str) for value in self.values)


@dataclass(frozen=True)
class Marked:
    """A run in a plot: its name, colour, mark, and whether it is the baseline."""

    name: str
    colour: int
    mark: str
    is_baseline: bool


@dataclass(frozen=True)
class Plots:
    """What is drawn.

    :ivar axes: those that are offered
    :ivar more: how many are not
    :ivar points: the runs that have both, with what they have across and up
    """

    axes: list[PlotAxis]
    more: int
    across: PlotAxis
    up: PlotAxis
    parallel: list[PlotAxis]
    points: list[tuple[Marked, Any, Any]]
    scatter: str
    coordinates: str


def axes(rows: Iterable[Row]) -> list[PlotAxis]:
    """Return the rows that can be axes: metrics first, as they come."""
    found = [_axis(row) for row in rows if row.section in ("metrics", "params")]
    usable = [one for one in found if any(value is not None for value in one.values)]
    few = [one for one in usable if not one.is_text or len(set(one.values)) <= _MAX_CATEGORIES]
    return sorted(few, key=lambda one: not one.is_metric)


def plots(
    rows: Sequence[Row],
    runs: Sequence[Marked],
    *,
    across: str,
    up: str,
    parallel: Sequence[str],
    search: str = "",
) -> Plots | None:
    """Return what is drawn of compared runs; None where there are not two things to draw.

    :param across: name of the axis from left to right; empty or unknown: a parameter that differs
    :param up: likewise from bottom to top: the metric that says most
    :param parallel: names of the parallel axes; none: those that differ, and what they lead to
    :param search: part of the names to offer first, where not all axes are
    """
    known = axes(rows)
    if len(known) < 2 or len(runs) < 2:
        return None
    by_name = {one.name: one for one in known}
    differing = {f"{row.section}.{row.key}" for row in rows if row.differs}
    y = by_name.get(up) or known[0]
    others = [one for one in known if one.name != y.name]
    usual = [one for one in others if not one.is_metric and one.name in differing] or others
    x = by_name.get(across) or usual[0]
    chosen = [by_name[name] for name in dict.fromkeys(parallel) if name in by_name][:MAX_AXES]
    shown = chosen or _usual(known, differing)
    points = [
        (run, *place)
        for run, place in zip(runs, zip(x.values, y.values, strict=True), strict=True)
        if None not in place
    ]
    offered = _offered(known, [x.name, y.name, *(one.name for one in shown)], search, differing)
    more = len(known) - len(offered)
    return Plots(offered, more, x, y, shown, points, _scatter(points, x, y), _coordinates(shown, runs))


def _offered(known: list[PlotAxis], drawn: Sequence[str], search: str, differing: set[str]) -> list[PlotAxis]:
    """Return at most `MAX_OFFERED` axes in their order: what is drawn, then is found, then differs."""
    if len(known) <= MAX_OFFERED:
        return known
    part = search.casefold()
    found = [one.name for one in known if part and part in one.name.casefold()]
    differ = [one.name for one in known if one.name in differing]
    wanted = dict.fromkeys([*drawn, *found, *differ, *(one.name for one in known)])
    names = set(list(wanted)[:MAX_OFFERED])
    return [one for one in known if one.name in names]


def _axis(row: Row) -> PlotAxis:
    is_metric = row.section == "metrics"
    goal = row.meaning.goal if row.meaning else Goal.UNKNOWN
    values = [_finite(value) for value in row.values] if is_metric else _typed(row.values)
    return PlotAxis(f"{row.section}.{row.key}", row.key, is_metric, goal, tuple(values))


def _typed(values: Sequence[str | None]) -> list[Any]:
    """Return texts as numbers if all of them are."""
    numbers = [None if value is None else _number(value) for value in values]
    if any(number is None and value is not None for number, value in zip(numbers, values, strict=True)):
        return [None if value is None else value[:_MAX_LABEL] for value in values]
    return list(numbers)


def _number(text: str) -> float | None:
    try:
        return _finite(float(text))
    except ValueError:
        return None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _usual(known: Sequence[PlotAxis], differing: set[str]) -> list[PlotAxis]:
    params = [one for one in known if not one.is_metric and one.name in differing][:_MAX_PARAMS]
    metrics = [one for one in known if one.is_metric and one.name in differing]
    return [*params, *metrics[: max(2, 4 - len(params))]] or list(known[:2])


def _scatter(points: Sequence[tuple[Marked, Any, Any]], across: PlotAxis, up: PlotAxis) -> str:
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": run.name,
            "x": [x],
            "y": [y],
            "marker": {"size": 13, "symbol": "diamond"} if run.is_baseline else {"size": 9},
            "meta": {"colour": run.colour, "run": run.mark},
        }
        for run, x, y in points
    ]
    titles = {
        name: {"title": {"text": axis.key}, "type": "category" if axis.is_text else "-"}
        for name, axis in (("xaxis", across), ("yaxis", up))
    }
    return figures.text(traces, {**titles, "hovermode": "closest", "showlegend": False})


def _coordinates(shown: Sequence[PlotAxis], runs: Sequence[Marked]) -> str:
    # A line needs a value on every axis.
    whole = [at for at, _run in enumerate(runs) if all(one.values[at] is not None for one in shown)]
    trace = {
        "type": "parcoords",
        "dimensions": [_dimension(one, [one.values[at] for at in whole]) for one in shown],
        "meta": {"colours": [runs[at].colour for at in whole], "runs": [runs[at].mark for at in whole]},
    }
    return figures.text([trace], {"margin": {"l": 70, "r": 70, "t": 50, "b": 24}})


def _dimension(axis: PlotAxis, values: Sequence[Any]) -> dict[str, Any]:
    label = axis.key if len(axis.key) <= _MAX_LABEL else f"{axis.key[:_MAX_LABEL]}…"
    if not axis.is_text:
        return {"label": label, "values": list(values)}
    categories = sorted({str(value) for value in values})
    places = list(range(len(categories)))
    return {
        "label": label,
        "values": [categories.index(str(value)) for value in values],
        "tickvals": places,
        "ticktext": categories,
    }
