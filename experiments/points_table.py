"""Rules: the points of several metrics as one table, by step. No database, no markup.

Rows are made as they are asked for: a curve may have a hundred thousand points, and a page shows a hundred.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter

from accounts.csv_cells import neutral
from experiments.csv_lines import line
from experiments.series import Series

Row = tuple[int, list[float | None]]
# Step, how often the metric had this step before, column, value.
_Entry = tuple[int, int, int, float]


class PointsTable:
    """Rows of step and one value for each metric, None where it has no point; sliceable, and countable.

    A step that a metric has several times makes several rows.

    :param keys: metrics, in the order of the columns
    :param series: metric -> its points
    """

    def __init__(self, keys: Sequence[str], series: Mapping[str, Series]) -> None:
        self._keys = keys
        self._series = series

    def __iter__(self) -> Iterator[Row]:
        entries = heapq.merge(*(self._entries(number, key) for number, key in enumerate(self._keys)))
        for (step, _again), found in groupby(entries, key=itemgetter(0, 1)):
            values: list[float | None] = [None] * len(self._keys)
            for _step, _times, column, value in found:
                values[column] = value
            yield step, values

    def __len__(self) -> int:
        return sum(1 for _row in self)

    def __getitem__(self, rows: slice) -> list[Row]:
        return list(islice(iter(self), rows.start, rows.stop))

    def csv(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the rows as lines of a file below those that name the columns."""
        yield line(["step", *map(neutral, names)])
        for step, values in self:
            yield line([step, *("" if value is None else value for value in values)])

    def _entries(self, column: int, key: str) -> Iterator[_Entry]:
        points = self._series.get(key)
        if points is None:
            return
        again = 0
        before: int | None = None
        for step, value in zip(points.step.tolist(), points.value.tolist(), strict=True):
            again = again + 1 if step == before else 0
            before = step
            # A column's number is in front of the value, so that values are never compared.
            yield step, again, column, value
