"""The metrics of one run: a table with last, smallest and largest values, and curves in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments import charts
from experiments.metric_meaning import Meaning
from experiments.models import MetricSeries, Run
from experiments.selectors import meanings, series
from experiments.selectors.run import MetricRow, metrics
from experiments.selectors.run_frame import SYSTEM, lengths
from experiments.series import Series

MAX_CHARTS = 24


@dataclass(frozen=True)
class Extreme:
    """A value and the step at which it was measured first."""

    value: float
    step: int


@dataclass(frozen=True)
class MeasuredRow:
    """One metric: its latest value, and the extremes of its curve where it has one."""

    key: str
    value: float | None
    meaning: Meaning
    points: int
    low: Extreme | None = None
    high: Extreme | None = None

    @property
    def best(self) -> Extreme | None:
        """The better extreme, where that is known."""
        return {"min": self.low, "max": self.high}.get(self.meaning.goal)


@dataclass(frozen=True)
class MetricPage:
    """What a tab of metrics shows.

    :ivar rows: latest values, all of them; `measured` adds the extremes for those that are shown
    :ivar lengths: how many points each metric has
    :ivar charts: curves to draw; `hidden_charts` more are not
    """

    rows: list[MetricRow]
    lengths: dict[str, int]
    charts: list[charts.Group]
    hidden_charts: int


def page(run: Run, *, system: bool = False, find: str = "", all_charts: bool = False) -> MetricPage:
    """Return the metrics of `run`, or with `system` those of its machine. Two queries.

    :param find: only those whose names have it in them, capitals or not
    :param all_charts: also draw what is hidden otherwise
    """
    wanted = find.strip().lower()
    rows = [
        row
        for row in metrics(run, meanings.meanings([run.experiment_id]), system=system)
        if wanted in row.key.lower()
    ]
    found = lengths(run)
    keys = {row.key for row in rows}
    drawn = charts.groups(key for key, length in found.items() if length > 1 and key in keys)
    shown = drawn if all_charts else drawn[:MAX_CHARTS]
    return MetricPage(rows, found, shown, len(drawn) - len(shown))


def measured(run: Run, rows: list[MetricRow], points: dict[str, int]) -> list[MeasuredRow]:
    """Return `rows` with the extremes of their curves. At most one query."""
    curves = series.read([run.pk], [row.key for row in rows if points.get(row.key, 0) > 1])
    return [
        MeasuredRow(
            row.key,
            row.value,
            row.meaning,
            points.get(row.key, 0),
            *_extremes(curves.get((run.pk, row.key))),
        )
        for row in rows
    ]


def series_of(run: Run, group_name: str) -> tuple[charts.Group, dict[str, Series]] | None:
    """Return a group of curves of `run` with all points, or None if it has no such group. Two queries."""
    keys = list(MetricSeries.objects.filter(run=run, length__gt=1).values_list("key", flat=True))
    # Those of the machine are on a page of their own, so they are grouped by themselves.
    ours = [key for key in keys if not key.startswith(SYSTEM)]
    theirs = [key for key in keys if key.startswith(SYSTEM)]
    both = (*charts.groups(ours), *charts.groups(theirs))
    group = next((one for one in both if one.name == group_name), None)
    if group is None:
        return None
    return group, {key: found for (_run, key), found in series.read([run.pk], group.keys).items()}


def _extremes(curve: Series | None) -> tuple[Extreme | None, Extreme | None]:
    import numpy as np

    if curve is None or not np.isfinite(curve.value).any():
        return None, None
    return _at(curve, np.nanargmin(_finite(curve))), _at(curve, np.nanargmax(_finite(curve)))


def _finite(curve: Series) -> Any:
    import numpy as np

    return np.where(np.isfinite(curve.value), curve.value, np.nan)


def _at(curve: Series, index: Any) -> Extreme:
    return Extreme(float(curve.value[index]), int(curve.step[index]))
