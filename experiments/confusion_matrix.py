"""Rules: a confusion matrix read from delimited text, in the shapes in which people write it. No database.

One line for each sample (`actual,predicted`, as DVC's template of plots wants it), the same with a count, or
a square of numbers with or without labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.csv_tables import NoTableError, records

MAX_CLASSES = 60
MAX_LABEL = 60
_STEPS = 9
_ACTUAL = frozenset({"actual", "true", "truth", "target", "label", "y_true"})
_PREDICTED = frozenset({"predicted", "prediction", "pred", "y_pred"})
_COUNT = frozenset({"count", "n", "value", "cnt"})


@dataclass(frozen=True)
class Cell:
    """One count.

    :ivar share: of its row, 0 to 1
    :ivar heat: 0 to 9, how dark it is drawn
    """

    count: float
    share: float
    heat: int
    is_right: bool

    @property
    def percent(self) -> str:
        """Its part of the row in percent."""
        return f"{100 * self.share:.1f}"


@dataclass(frozen=True)
class Matrix:
    """Rows are what is true, columns what was said.

    :ivar rows: label, cells, sum
    :ivar right: the part of all on the diagonal, 0 to 1
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], float], ...]
    total: float
    right: float

    @property
    def right_percent(self) -> str:
        """The part on the diagonal in percent."""
        return f"{100 * self.right:.1f}"

    @property
    def total_text(self) -> str:
        """All counts together."""
        return f"{self.total:,.0f}" if self.total == int(self.total) else f"{self.total:,.4g}"


def matrix(text: str) -> Matrix:
    """Return the matrix that `text` holds.

    :raises NoTableError: it holds none, or one of more than `MAX_CLASSES` classes
    """
    rows = records(text)
    header = [cell.strip() for cell in next(rows, [])]
    names = [name.lower() for name in header]
    actual, predicted = _place(names, _ACTUAL), _place(names, _PREDICTED)
    if actual is not None and predicted is not None:
        weight = count_column(names)
        whole = (row for row in rows if len(row) > max(actual, predicted, weight or 0))
        return of_samples(
            (row[actual], row[predicted], "1" if weight is None else row[weight]) for row in whole
        )
    return _square(header, [row for _, row in zip(range(MAX_CLASSES + 2), rows, strict=False)])


def of_samples(samples: Iterable[tuple[str, str, str]]) -> Matrix:
    """Return the matrix of what is true, what was said, and how often.

    :raises NoTableError: there are none, too many classes, or a count that is none
    """
    counts: Counter[tuple[str, str]] = Counter()
    known: set[str] = set()
    for actual, predicted, count in samples:
        pair = (actual.strip(), predicted.strip())
        known.update(pair)
        _check(len(known))
        counts[pair] += _number(count)  # type: ignore[assignment]
    labels = sorted(known, key=_order)
    return _made(labels, [[counts[one, other] for other in labels] for one in labels])


def count_column(names: Sequence[str]) -> int | None:
    """Return the place of the column that says how often, among names in small letters."""
    return _place(names, _COUNT)


def _square(header: list[str], rows: list[list[str]]) -> Matrix:
    if all(_is_number(cell) for cell in header) and len(header) == len(rows) + 1:
        rows = [header, *rows]
        labels = [str(number) for number in range(len(header))]
    elif rows and len(rows[0]) == len(rows) + 1 == len(header):
        labels = [row[0] for row in rows]
        rows = [row[1:] for row in rows]
    else:
        labels = header
    _check(len(rows))
    if not rows or len(labels) != len(rows) or any(len(row) != len(rows) for row in rows):
        raise NoTableError("It is not a square of numbers.")
    return _made(labels, [[_number(cell) for cell in row] for row in rows])


def _made(labels: Sequence[str], counts: Sequence[Sequence[float]]) -> Matrix:
    if not labels:
        raise NoTableError("There are no rows.")
    total = sum(map(sum, counts))
    right = sum(counts[at][at] for at in range(len(labels)))
    rows = []
    for number, row in enumerate(counts):
        whole = _whole(sum(row))
        cells = tuple(
            _cell(count, count / whole if whole else 0.0, number == column)
            for column, count in enumerate(row)
        )
        rows.append((labels[number][:MAX_LABEL], cells, whole))
    shown = tuple(label[:MAX_LABEL] for label in labels)
    return Matrix(shown, tuple(rows), total, right / total if total else 0.0)


def _cell(count: float, share: float, is_right: bool) -> Cell:
    return Cell(_whole(count), share, min(_STEPS, math.ceil(share * _STEPS)), is_right)


def _whole(count: float) -> float:
    return int(count) if count == int(count) else count


def _check(classes: int) -> None:
    if classes > MAX_CLASSES:
        raise NoTableError(f"It has more than {MAX_CLASSES} classes.")


def _place(names: Sequence[str], known: frozenset[str]) -> int | None:
    return next((at for at, name in enumerate(names) if name in known), None)


def _order(label: str) -> tuple[bool, float, str]:
    return (not _is_number(label), float(label) if _is_number(label) else 0.0, label)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _number(cell: str) -> float:
    if not _is_number(cell) or float(cell) < 0:
        raise NoTableError("It is not a square of numbers.")
    return float(cell)
