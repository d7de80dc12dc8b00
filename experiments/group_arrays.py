"""Rules: runs in groups, as arrays: who is in which group, and what a metric is in each. No database.

numpy is imported by the functions, so that a process that groups nothing does not pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from experiments.metric_goals import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

Values = tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """One metric over the runs of a group that have it as a finite number.

    :ivar spread: standard deviation of the sample, n - 1 in the denominator; None of a single value
    :ivar best: primary key of the run that has the best value; None where it is not known what is better
    """

    count: int
    mean: float
    spread: float | None
    low: float
    high: float
    best: int | None


@dataclass(frozen=True, eq=False)
class Groups:
    """The largest groups of some runs.

    :ivar runs: keys of all runs that are in one of them, ascending; `codes`: number of the group of each
    :ivar values: what the runs of each group have in common, the largest group first; `sizes`: its runs
    :ivar more: whether there are more groups
    """

    runs: Integers
    codes: Integers
    values: list[Values]
    sizes: list[int]
    more: bool

    @classmethod
    def of(cls, columns: Sequence[Iterable[tuple[int, str]]], most: int) -> Groups:
        """Return the groups of the runs that are in all of `columns`: pairs of a run and a value.

        :param most: how many groups are kept
        """
        import numpy as np

        runs, codes, words = _coded(columns[0])
        vocabulary = [words]
        for column in columns[1:]:
            others, other_codes, words = _coded(column)
            here, there = _joined(runs, others)
            runs, codes = runs[here], codes[here] * len(words) + other_codes[there]
            vocabulary.append(words)
        found, inverse, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        order = np.lexsort((found, -sizes))
        rank = np.full(len(found), -1, np.int64)
        rank[order[:most]] = np.arange(len(order[:most]))
        ranked = rank[inverse]
        kept = ranked >= 0
        values = [_spelled(int(found[number]), vocabulary) for number in order[:most]]
        return cls(runs[kept], ranked[kept], values, sizes[order[:most]].tolist(), len(order) > most)

    def summaries(self, metric: Iterable[tuple[int, float]], goal: Goal) -> list[Summary | None]:
        """Return what a metric is in each group; None where no run has it.

        :param metric: pairs of a run and its finite value
        """
        import numpy as np

        pairs = np.fromiter(metric, np.dtype([("run", np.int64), ("value", np.float64)]))
        pairs.sort(order="run")
        here, there = _joined(self.runs, pairs["run"])
        codes, runs, values = self.codes[here], self.runs[here], pairs["value"][there]
        # Within a group by value: its first and its last one are the extremes.
        order = np.lexsort((values, codes))
        codes, runs, values = codes[order], runs[order], values[order]
        starts = np.searchsorted(codes, np.arange(len(self.values) + 1))
        return [
            _summary(values[start:end], runs[start:end], goal) if end > start else None
            for start, end in pairwise(starts)
        ]


def _summary(values: Floats, runs: Integers, goal: Goal) -> Summary:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(values.mean())
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
    best = {Goal.MIN: int(runs[0]), Goal.MAX: int(runs[-1])}.get(goal)
    finite = spread if spread is not None and math.isfinite(spread) else None
    return Summary(len(values), mean, finite, float(values[0]), float(values[-1]), best)


def _coded(column: Iterable[tuple[int, str]]) -> tuple[Integers, Integers, list[str]]:
    """Return the runs of a column, ascending, the number of the value of each, and the values."""
    import numpy as np

    numbers: dict[str, int] = {}
    pairs = np.fromiter(
        ((run, numbers.setdefault(value, len(numbers))) for run, value in column),
        np.dtype([("run", np.int64), ("code", np.int64)]),
    )
    pairs.sort(order="run")
    return pairs["run"], pairs["code"], list(numbers)


def _spelled(code: int, vocabulary: Sequence[Sequence[str]]) -> Values:
    """Return the values that a code stands for: its digits, each in a vocabulary of its own."""
    words: list[str] = []
    for known in reversed(vocabulary):
        code, place = divmod(code, len(known))
        words.insert(0, known[place])
    return tuple(words)


def _joined(left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """Return where the keys that are in both, ascending and each once, stand in either."""
    import numpy as np

    _common, here, there = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    return here, there
