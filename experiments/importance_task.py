"""Rules: which runs and parameters can tell how much a parameter accounts for a metric. No database."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.compare_rows import plain
from experiments.run_columns import number_of

#: Below it nothing is computed: any pattern would be chance.
FEWEST_RUNS = 8
#: Below so many runs for each parameter the shares say little.
RUNS_PER_PARAM = 5
_MAX_PARAMS = 50
_MAX_CATEGORIES = 20


@dataclass(frozen=True)
class Task:
    """What is computed.

    :ivar values: the metric of each run that counts
    :ivar params: parameter -> its value in each of them: numbers, or texts
    :ivar constant: parameters that are the same in all of them
    :ivar unusable: parameters that some runs lack, or of which nearly each run has a text of its own
    """

    values: tuple[float, ...]
    params: dict[str, tuple[float | str, ...]]
    constant: tuple[str, ...]
    unusable: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        """Whether there is enough to compute anything."""
        return len(self.values) >= FEWEST_RUNS and bool(self.params) and len(set(self.values)) > 1

    @property
    def is_thin(self) -> bool:
        """Whether there are too few runs for the shares to be relied on."""
        return len(self.values) < RUNS_PER_PARAM * len(self.params)


def task(runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], metric: str) -> Task:
    """Return what can be computed of some runs.

    :param runs: metrics and parameters of each
    """
    measured = [(number_of(metrics.get(metric)), params) for metrics, params in runs]
    usable = [(value, params) for value, params in measured if value is not None and math.isfinite(value)]
    names = sorted({name for _value, params in usable for name in params})
    columns = {name: [params.get(name) for _value, params in usable] for name in names}
    constant = [name for name in names if len({plain(_text(value)) for value in columns[name]}) == 1]
    typed = {name: _typed(columns[name]) for name in names if name not in constant}
    params = {name: column for name, column in typed.items() if column is not None}
    kept = dict(list(params.items())[:_MAX_PARAMS])
    return Task(
        values=tuple(float(value) for value, _params in usable),
        params=kept,
        constant=tuple(constant),
        unusable=tuple(name for name in typed if name not in kept),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _typed(column: Sequence[Any]) -> tuple[float | str, ...] | None:
    """Return a parameter's values, as numbers if all are; None where they can tell nothing."""
    texts = [str(value) for value in column if value is not None]
    if len(texts) < len(column):
        return None
    plains = [plain(text) for text in texts]
    if all(isinstance(value, float) for value in plains):
        return tuple(float(text) for text in texts)
    categories = len(set(texts))
    return tuple(texts) if categories <= min(_MAX_CATEGORIES, len(texts) // 2) else None
