"""Rules: curves of several runs as one figure: a colour for each run, the baseline dashed and bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from experiments import figures
from experiments.curves import MAX_POINTS, Curve, Drawing, curve
from experiments.series import Series

#: Metrics that are drawn into one picture at most.
MAX_OVERLAID = 6
# Points of a picture, shared by its lines: beyond them a screen shows no more, and a browser takes its time.
_POINTS = 12_000
_FEWEST = 100
_GRID = 400
_DASHES = ("solid", "dot", "dashdot", "longdash", "longdashdot", "dash")


@dataclass(frozen=True)
class RunCurves:
    """One run with the histories to draw.

    :ivar mark: what is highlighted together with its lines
    """

    mark: str
    name: str
    colour: int
    is_baseline: bool
    series: Mapping[str, Series]


def figure(keys: Sequence[str], runs: Sequence[RunCurves], how: Drawing, *, band: bool = False) -> str:
    """Return the metrics `keys` of some runs as a figure, as JSON.

    :param band: also the range between the smallest and the largest value of all runs
    """
    lines = sum(key in run.series for run in runs for key in keys)
    most = max(_FEWEST, min(MAX_POINTS, _POINTS // max(lines, 1)))
    traces: list[dict[str, Any]] = []
    for number, key in enumerate(keys):
        made = [(run, _curve(run.series[key], how, most)) for run in runs if key in run.series]
        if band:
            traces += _band([one for _run, one in made])
        # The baseline is drawn last, above the others.
        for run, one in sorted(made, key=lambda pair: pair[0].is_baseline):
            traces += _line(run, key, one, number if len(keys) > 1 else None)
    return figures.text(traces, figures.layout(how, hovermode="closest", showlegend=False))


def _curve(series: Series, how: Drawing, most: int) -> Curve:
    return curve(series, how, start=int(series.time[0]) if len(series) else 0, most=most)


def _line(run: RunCurves, key: str, made: Curve, number: int | None) -> list[dict[str, Any]]:
    """Return the traces of one line; `number` tells the metrics of one picture apart."""
    dash = _DASHES[number % len(_DASHES)] if number is not None else "dash" if run.is_baseline else "solid"
    name = run.name if number is None else f"{run.name} · {key}"
    return figures.line(
        made, name, run.colour, run=run.mark, dash=dash, width=3.5 if run.is_baseline else 1.5
    )


def _band(made: Sequence[Curve]) -> list[dict[str, Any]]:
    """Return the range of all runs, where at least two have values."""
    import numpy as np

    known = [(one.x[found], one.y[found]) for one in made if (found := np.isfinite(one.y)).sum() > 1]
    if len(known) < 2:
        return []
    ends = [(x.min(), x.max()) for x, _y in known]
    grid = np.linspace(min(low for low, _high in ends), max(high for _low, high in ends), _GRID)
    rows = np.array([np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in known])
    several = np.isfinite(rows).sum(axis=0) > 1
    grid, rows = grid[several], rows[:, several]
    about = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "x": figures.packed(grid)}
    low = {**about, "y": figures.packed(np.nanmin(rows, axis=0)), "name": _("smallest")}
    high = {**about, "y": figures.packed(np.nanmax(rows, axis=0)), "name": _("largest"), "fill": "tonexty"}
    return [{**trace, "line": {"width": 0}, "meta": {"band": True}} for trace in (low, high)]
