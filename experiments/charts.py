"""Rules: curves of metrics as Plotly figures, as JSON. Colours, grid and fonts belong to the page."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from experiments.run_columns import TELLING, number_of

Axis = Literal["step", "relative", "wall"]
AXES: tuple[Axis, ...] = ("step", "relative", "wall")

MAX_POINTS = 1000
# Up to here every point is also marked: a curve of eight epochs is eight measurements.
_MARKED = 60
_MAX_GAPS = 200
# `train_loss` and `val_loss` belong into one picture.
_SPLIT = re.compile(r"^(train|training|val|valid|validation|test|eval|dev)[_/.\- ]", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """Metrics that are drawn together: the same thing, measured on different parts of the data."""

    name: str
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people call it: a single metric by its own name."""
        return self.keys[0] if len(self.keys) == 1 else self.name


def groups(keys: Iterable[str]) -> list[Group]:
    """Return metrics grouped by what they measure, the telling ones first, then by name."""
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        found.setdefault(_SPLIT.sub("", key), []).append(key)
    made = [Group(name, tuple(members)) for name, members in found.items()]
    return sorted(made, key=lambda group: (_rank(group), group.name.startswith("system/"), group.name))


def figure(
    group: Group, series: Mapping[str, Mapping[str, Sequence[Any]]], *, axis: Axis = "step", log: bool = False
) -> str:
    """Return the figure of one group as JSON.

    :param series: metric -> its points as the mirror keeps them: columns ``step``, ``time`` (milliseconds
        since the epoch) and ``value`` (a number, or the name of one that is not finite)
    :param axis: what runs from left to right; ``relative`` is in seconds since the first point of the group
    :param log: whether values are drawn on a logarithmic axis
    """
    import plotly.graph_objects as go  # 20 MB that only charts need

    start = min((columns["time"][0] for columns in series.values() if columns["time"]), default=0)
    drawn = go.Figure(
        [_line(go, key, series[key], axis, start) for key in group.keys if key in series],
        layout={
            "xaxis": _x_axis(axis),
            "yaxis": {"type": "log" if log else "linear"},
            "hovermode": "x unified",
            "showlegend": len(group.keys) > 1,
        },
    )
    drawn.layout.template = None
    return str(drawn.to_json())


def thinned(values: Sequence[float]) -> list[int]:
    """Return the indices of at most about `MAX_POINTS` points that keep the look of the curve.

    MinMax and LTTB (Van Der Donckt et al., 2023, arXiv:2305.00332); where values are missing (NaN), the first
    missing one is kept, so that the gap stays.
    """
    if len(values) <= MAX_POINTS:
        return list(range(len(values)))
    import numpy as np
    from tsdownsample import MinMaxLTTBDownsampler

    measured = np.asarray(values, dtype=np.float64)
    there = np.flatnonzero(np.isfinite(measured))
    if len(there) > MAX_POINTS:
        there = there[MinMaxLTTBDownsampler().downsample(measured[there], n_out=MAX_POINTS)]
    missing = ~np.isfinite(measured)
    gaps = np.flatnonzero(missing & ~np.roll(missing, 1))[:_MAX_GAPS]
    return [int(index) for index in np.union1d(there, gaps)]


def numbers(values: Iterable[Any]) -> array[float]:
    """Return mirrored values as floats; what is no finite number is NaN."""
    found = (number_of(value) for value in values)
    return array("d", (one if one is not None and math.isfinite(one) else math.nan for one in found))


def _line(go: Any, key: str, columns: Mapping[str, Sequence[Any]], axis: Axis, start: int) -> Any:
    values = numbers(columns["value"])
    kept = thinned(values)
    places = columns["step" if axis == "step" else "time"]
    return go.Scatter(
        x=[(places[at] - start) / 1000 if axis == "relative" else places[at] for at in kept],
        y=[None if math.isnan(values[at]) else values[at] for at in kept],
        name=key,
        mode="lines+markers" if len(kept) <= _MARKED else "lines",
        connectgaps=False,
    )


def _x_axis(axis: Axis) -> dict[str, Any]:
    if axis == "wall":
        return {"type": "date"}
    return {"type": "linear", "title": {"text": _("step") if axis == "step" else _("seconds")}}


def _rank(group: Group) -> int:
    return min((TELLING.index(key) for key in group.keys if key in TELLING), default=len(TELLING))
