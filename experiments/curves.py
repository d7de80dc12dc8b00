"""Rules: how the points of a metric become a line: which part, smoothed, and few enough to draw.

numpy is imported by the functions, so that a process that draws nothing does not pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from experiments.series import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Axis = Literal["step", "relative", "wall"]
AXES: tuple[Axis, ...] = ("step", "relative", "wall")
MAX_POINTS = 1000
#: More smoothing draws a straight line.
MAX_SMOOTHING = 0.99
_MAX_GAPS = 200
_BLOCK = 64


@dataclass(frozen=True)
class Drawing:
    """How curves are drawn.

    :ivar axis: what runs from left to right; ``relative`` is in seconds since the first point
    :ivar log: whether values are drawn on a logarithmic axis
    :ivar smoothing: weight of what came before, from 0 (none) to `MAX_SMOOTHING`
    :ivar low, high: the part of the axis that is looked at; None: up to its end
    """

    axis: Axis = "step"
    log: bool = False
    smoothing: float = 0.0
    low: float | None = None
    high: float | None = None


def drawing(words: Mapping[str, str]) -> Drawing:
    """Return what the words of an address ask for: ``x``, ``y``, ``smooth``, ``from``, ``to``."""
    smoothing = _number(words.get("smooth", "")) or 0.0
    return Drawing(
        axis=next((one for one in AXES if one == words.get("x")), AXES[0]),
        log=words.get("y") == "log",
        smoothing=min(max(smoothing, 0.0), MAX_SMOOTHING),
        low=_number(words.get("from", "")),
        high=_number(words.get("to", "")),
    )


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn of one series.

    :ivar x, y: the points; NaN where a value is missing
    :ivar raw: the values before they were smoothed; None if they were not
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    raw: NDArray[np.float64] | None


def curve(series: Series, how: Drawing, *, start: int, most: int = MAX_POINTS) -> Curve:
    """Return the part of `series` that is looked at, in at most about `most` points.

    :param start: milliseconds since the epoch from which ``relative`` counts
    """
    import numpy as np

    x = (series.step if how.axis == "step" else series.time).astype(np.float64)
    if how.axis == "relative":
        x = (x - start) / 1000
    value = np.where(np.isfinite(series.value), series.value, np.nan)
    # What came before the visible part belongs to its smoothed values.
    shown = smoothed(value, how.smoothing) if how.smoothing else value
    part = _part(x, how.low, how.high)
    kept = thinned(shown[part], most) + part.start
    return Curve(x[kept], shown[kept], value[kept] if how.smoothing else None)


def thinned(values: NDArray[np.float64], most: int = MAX_POINTS) -> NDArray[np.intp]:
    """Return the indices of at most about `most` points that keep the look of the curve.

    MinMax and LTTB (Van Der Donckt et al., 2023, arXiv:2305.00332); where values are missing (NaN), the first
    missing one is kept, so that the gap stays.
    """
    import numpy as np

    if len(values) <= most:
        return np.arange(len(values))
    from tsdownsample import MinMaxLTTBDownsampler

    missing = ~np.isfinite(values)
    there = np.flatnonzero(~missing)
    if len(there) > most:
        there = there[MinMaxLTTBDownsampler().downsample(values[there], n_out=most)]
    if not missing.any():
        return there
    gaps = np.flatnonzero(missing & ~np.roll(missing, 1))[:_MAX_GAPS]
    return np.union1d(there, gaps)


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Return the exponential moving average, without the bias of its start; gaps stay gaps.

    As TensorBoard does: y' = weight * y' + (1 - weight) * x, divided by 1 - weight ** n after n values.
    Computed in blocks: within one by a matrix, from one to the next by what is carried over.
    """
    import numpy as np

    there = np.flatnonzero(np.isfinite(values))
    count = len(there)
    if not count:
        return values
    padded = np.zeros(-(-count // _BLOCK) * _BLOCK)
    padded[:count] = values[there]
    powers = weight ** np.arange(_BLOCK)
    lags = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    within = np.where(lags >= 0, powers[np.abs(lags)], 0.0)
    blocks = padded.reshape(-1, _BLOCK) @ within.T * (1 - weight)
    carried = 0.0
    for block in blocks:
        block += carried * powers * weight
        carried = block[-1]
    found = np.full(len(values), np.nan)
    found[there] = blocks.ravel()[:count] / (1 - weight ** np.arange(1, count + 1))
    return found


def _part(x: NDArray[np.float64], low: float | None, high: float | None) -> slice:
    """Return the points from `low` to `high`, with one more on either side so that lines go on."""
    import numpy as np

    if low is None and high is None:
        return slice(0, len(x))
    inside = (x >= (-math.inf if low is None else low)) & (x <= (math.inf if high is None else high))
    found = np.flatnonzero(inside)
    if not len(found):
        return slice(0, 0)
    return slice(max(int(found[0]) - 1, 0), int(found[-1]) + 2)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
