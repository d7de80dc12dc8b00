"""The table of compared runs as CSV: the rows that are shown, whole values, a column for each run."""

import csv
import io
from collections.abc import Iterator, Sequence

from experiments.compare_cells import Cell
from experiments.compare_rows import Row
from experiments.run_export import harmless
from experiments.selectors.compare import Comparison
from experiments.selectors.compare import lines as read

#: Rows whose cells are held at a time.
CHUNK = 50


def lines(found: Comparison, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the file: ids, names, then each row; differences have columns of their own.

    Asks the database again for every `CHUNK` rows if anything but the latest values is shown.
    """
    runs = found.runs
    others = [at for at, one in enumerate(runs) if not one.is_baseline] if found.baseline else []
    # Spreadsheets take Hangul for something else without the mark at the beginning.
    yield "\ufeff" + _line(
        ["", "run_id", *found.ids, *(f"difference {runs[at].run.run_id}" for at in others)]
    )
    yield _line(["", "name", *(harmless(one.run.name) for one in runs), *("" for _at in others)])
    for start in range(0, len(rows), CHUNK):
        for line in read(found, rows[start : start + CHUNK]):
            deltas = [_delta(line.cells[at]) for at in others]
            yield _line([line.row.section, harmless(line.row.key), *map(_value, line.cells), *deltas])


def _line(values: Sequence[str | float]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


def _value(cell: Cell) -> str | float:
    if cell.value is None:
        return ""
    if not isinstance(cell.value, str):
        return float(cell.value) if isinstance(cell.value, float) else cell.value
    try:
        # A negative number is no formula, and has to stay a number.
        float(cell.value)
    except ValueError:
        return harmless(cell.value)
    return cell.value


def _delta(cell: Cell) -> str | float:
    return "" if cell.delta is None else cell.delta
