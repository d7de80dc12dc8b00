"""Rules: compared runs as rows of values, a column for each run; and which rows differ. No database.

A row is only its values; cells with differences and judgements are made of the rows that are shown
(`experiments.compare_cells`): a thousand metrics of a hundred runs would be a hundred thousand.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.compare_request import Rows
from experiments.metric_meaning import Meaning
from experiments.run_columns import TELLING, number_of

Section = Literal["run", "metrics", "params", "tags", "environment"]
SECTIONS: tuple[Section, ...] = ("run", "metrics", "params", "tags", "environment")
#: Beyond so many rows only those that differ are shown, unless asked otherwise.
MANY_ROWS = 40


@dataclass(frozen=True)
class Row:
    """One fact of every run.

    :ivar values: in the order of the runs; numbers in ``metrics``, else text; None where a run has none
    :ivar meaning: what a metric means; None of everything else
    """

    section: Section
    key: str
    values: tuple[Any, ...]
    differs: bool
    meaning: Meaning | None = None


def of_metrics(runs: Sequence[Mapping[str, Any]], meaning: Callable[[str], Meaning]) -> list[Row]:
    """Return the metrics of some runs: the telling first, then what can be judged, then by name."""
    keys = dict.fromkeys(key for run in runs for key in run)
    meanings = {key: meaning(key) for key in keys}

    def rank(key: str) -> tuple[int, bool, str]:
        telling = TELLING.index(key) if key in TELLING else len(TELLING)
        return telling, not meanings[key].goal, key

    return [
        _metric(key, [number_of(run.get(key)) for run in runs], meanings[key])
        for key in sorted(keys, key=rank)
    ]


def of_texts(section: Section, runs: Sequence[Mapping[str, Any]], *, order: bool = True) -> list[Row]:
    """Return the parameters or tags of some runs, by name; or, without `order`, as they come."""
    keys: Iterable[str] = dict.fromkeys(key for run in runs for key in run)
    return [
        _text(section, key, [None if run.get(key) is None else str(run[key]) for run in runs])
        for key in (sorted(keys) if order else keys)
    ]


def shown(rows: Sequence[Row], *, only: Rows, search: str) -> tuple[list[Row], bool]:
    """Return the rows to show, and whether those in which nothing differs were left out.

    :param search: part of the name, whatever the case of its letters
    """
    wanted = search.casefold()
    found = [row for row in rows if wanted in row.key.casefold()]
    differing = [row for row in found if row.differs]
    fewer = only == "different" or (
        only == "auto" and len(rows) > MANY_ROWS and any(row.differs for row in rows)
    )
    return (differing if fewer else found), fewer


def plain(value: str | None) -> object:
    """Return what a text says: 1e-3 and 0.001 are the same."""
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return value
    # A text such as a digest may be a number by chance, and one that is not finite equals nothing.
    return number if math.isfinite(number) and len(value) <= 24 else value


def _metric(key: str, values: list[float | None], meaning: Meaning) -> Row:
    return Row("metrics", key, tuple(values), _numbers_differ(values, meaning.tolerance), meaning)


def _text(section: Section, key: str, values: list[str | None]) -> Row:
    return Row(section, key, tuple(values), len({plain(value) for value in values}) > 1)


def _numbers_differ(values: Sequence[float | None], tolerance: float) -> bool:
    there = [value for value in values if value is not None]
    if len(there) < len(values):
        return bool(there)
    odd = {str(value) for value in there if not math.isfinite(value)}
    finite = [value for value in there if math.isfinite(value)]
    if odd:
        return len(odd) > 1 or bool(finite)
    return bool(finite) and max(finite) - min(finite) > tolerance
