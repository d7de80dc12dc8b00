"""Rules: curves of metrics as Plotly figures, as JSON. Colours, grid and fonts belong to the page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.utils.translation import gettext as _

from experiments.run_columns import TELLING
from experiments.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


def figure(group: Group, series: Mapping[str, Series], *, axis: Axis = "step", log: bool = False) -> str:
    """Return the figure of one group as JSON.

    :param series: metric -> its points
    :param axis: what runs from left to right; ``relative`` is in seconds since the first point of the group
    :param log: whether values are drawn on a logarithmic axis
    """
    import plotly.graph_objects as go  # 20 MB that only charts need

    start = min((int(one.time[0]) for one in series.values() if len(one)), default=0)
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


def thinned(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices of at most about `MAX_POINTS` points that keep the look of the curve.

    MinMax and LTTB (Van Der Donckt et al., 2023, arXiv:2305.00332); where values are missing (NaN), the first
    missing one is kept, so that the gap stays.
    """
    import numpy as np

    if len(values) <= MAX_POINTS:
        return np.arange(len(values))
    from tsdownsample import MinMaxLTTBDownsampler

    missing = ~np.isfinite(values)
    there = np.flatnonzero(~missing)
    if len(there) > MAX_POINTS:
        there = there[MinMaxLTTBDownsampler().downsample(values[there], n_out=MAX_POINTS)]
    gaps = np.flatnonzero(missing & ~np.roll(missing, 1))[:_MAX_GAPS]
    return np.union1d(there, gaps)


def _line(go: Any, key: str, series: Series, axis: Axis, start: int) -> Any:
    kept = thinned(series.value)
    places = (series.step if axis == "step" else series.time)[kept].tolist()
    return go.Scatter(
        x=[(place - start) / 1000 for place in places] if axis == "relative" else places,
        y=[value if math.isfinite(value) else None for value in series.value[kept].tolist()],
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
