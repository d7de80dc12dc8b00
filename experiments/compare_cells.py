"""Rules: the cells of one compared row: values beside the baseline's, with differences and judgements."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.compare_rows import Row, plain
from experiments.metric_goals import verdict


@dataclass(frozen=True)
class Extreme:
    """A value of a metric's history, and the step at which it was logged."""

    value: float
    step: int


@dataclass(frozen=True)
class Cell:
    """What one run has in a row.

    :ivar differs: from the baseline; False in the baseline's own column
    :ivar delta: difference to the baseline's value, of finite numbers
    :ivar verdict: ``better``, ``worse``, ``same`` or ``unjudged``; empty where nothing can be judged
    :ivar step: where in its history the value is, unless it is the last
    """

    value: Any
    differs: bool = False
    delta: float | None = None
    verdict: str = ""
    step: int | None = None


@dataclass(frozen=True)
class Line:
    """A row with its cells, in the order of the runs."""

    row: Row
    cells: list[Cell]


def cells(row: Row, baseline: int | None, extremes: Sequence[Extreme | None] | None = None) -> list[Cell]:
    """Return the cells of `row` in the order of the runs.

    :param baseline: the column that the others are compared with; None: nothing is compared
    :param extremes: the values to show in place of the latest ones, None where a run has no history
    """
    values, steps = list(row.values), [None] * len(row.values)
    if extremes is not None:
        values = [one.value if one else value for one, value in zip(extremes, values, strict=True)]
        steps = [one.step if one else None for one in extremes]  # type: ignore[misc]
    if baseline is None:
        return [Cell(value, step=step) for value, step in zip(values, steps, strict=True)]
    return [
        Cell(value, step=step) if column == baseline else _compared(row, value, values[baseline], step)
        for column, (value, step) in enumerate(zip(values, steps, strict=True))
    ]


def _compared(row: Row, value: Any, base: Any, step: int | None) -> Cell:
    if row.meaning is None:
        return Cell(value, differs=plain(value) != plain(base))
    if value is None or base is None:
        return Cell(value, differs=value is not base, step=step)
    delta, tolerance = value - base, row.meaning.tolerance
    if not math.isfinite(delta):
        return Cell(value, differs=str(value) != str(base), step=step)
    judged = verdict(value, base, goal=row.meaning.goal, tolerance=tolerance)
    return Cell(value, abs(delta) > tolerance, delta, judged, step)
