"""Rules: curves of a training out of the tables that DVC plots. No database, no I/O.

A table is a history if its x column counts up in whole numbers (epochs, steps); every other column that holds
numbers is then a metric by step. A confusion table or a scatter plot is none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

Curve = list[tuple[int, float]]

DELIMITERS = {".csv": ",", ".tsv": "\t"}
MAX_ROWS = 100_000
MAX_COLUMNS = 200
_COUNTERS = ("epoch", "step", "iteration", "iter")
_NO_HISTORY = ("confusion", "scatter", "bar")


@dataclass(frozen=True)
class Table:
    """A file that DVC plots.

    :ivar path: in the repository; its ending tells the format
    :ivar x: column for the x axis; empty if the repository names none
    :ivar template: how DVC draws it; empty for its default
    """

    path: str
    x: str
    template: str
    content: str


def curves(tables: Iterable[Table]) -> dict[str, Curve]:
    """Return metric name -> points (step, value) of all histories among `tables`.

    Of two columns with one name, the one in the later file gets the file's name before its own.
    """
    found: dict[str, Curve] = {}
    for table in tables:
        for column, curve in history(table).items():
            stem = PurePosixPath(table.path).stem
            found[column if column not in found else f"{stem}.{column}"] = curve
    return found


def history(table: Table) -> dict[str, Curve]:
    """Return column -> points (step, value) of one table; nothing if it is no history."""
    delimiter = DELIMITERS.get(PurePosixPath(table.path).suffix.lower())
    if delimiter is None or table.template.lower().startswith(_NO_HISTORY):
        return {}
    try:
        reader = csv.DictReader(io.StringIO(table.content), delimiter=delimiter)
        names = list(dict.fromkeys(name for name in reader.fieldnames or () if name))[:MAX_COLUMNS]
        rows = [row for row, _ in zip(reader, range(MAX_ROWS), strict=False)]
    except csv.Error:
        return {}
    x = table.x or next((name for name in names if name.lower() in _COUNTERS), "")
    steps = _steps(rows, x)
    if steps is None:
        return {}
    read = {name: _curve(rows, steps, name) for name in names if name != x}
    return {name: curve for name, curve in read.items() if curve}


def with_finals(found: Mapping[str, Curve], finals: Mapping[str, float]) -> dict[str, Curve]:
    """Return the curves with the final value of each metric as its last point.

    A final value is measured after the training, on what was kept of it. It is one step further than the last
    step, unless the curve ends in that very value; a metric without a curve gets one point at step 0.
    """
    merged = {name: list(curve) for name, curve in found.items()}
    for name, value in finals.items():
        curve = merged.setdefault(name, [])
        if not curve:
            curve.append((0, value))
        elif not _same(curve[-1][1], value):
            curve.append((curve[-1][0] + 1, value))
    return merged


def _steps(rows: list[dict[str, str]], x: str) -> list[int] | None:
    """Return the step of each row; the rows are counted from 0 if there is no x column."""
    if not x:
        return list(range(len(rows)))
    steps: list[int] = []
    for row in rows:
        value = _number(row.get(x))
        if value is None or not value.is_integer() or value < 0 or (steps and value <= steps[-1]):
            return None
        steps.append(int(value))
    return steps


def _curve(rows: list[dict[str, str]], steps: list[int], name: str) -> Curve | None:
    curve: Curve = []
    for step, row in zip(steps, rows, strict=True):
        cell = row.get(name)
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue  # measured in some epochs only
        value = _number(cell)
        if value is None:
            return None
        curve.append((step, value))
    return curve


def _number(cell: object) -> float | None:
    try:
        return float(str(cell))
    except ValueError:
        return None


def _same(left: float, right: float) -> bool:
    return left == right or (left != left and right != right)
