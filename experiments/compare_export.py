"""The table of compared runs as CSV: the rows that are shown, whole values, a column for each run."""

from collections.abc import Iterator, Sequence

from accounts.csv_cells import neutral
from experiments.compare_cells import Cell
from experiments.compare_rows import Row
from experiments.csv_lines import MARK, cell, line
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
    yield MARK + line(["", "run_id", *found.ids, *(f"difference {runs[at].run.run_id}" for at in others)])
    yield line(["", "name", *(neutral(one.run.name) for one in runs), *("" for _at in others)])
    for start in range(0, len(rows), CHUNK):
        for one in read(found, rows[start : start + CHUNK]):
            deltas = [_delta(one.cells[at]) for at in others]
            yield line([one.row.section, neutral(one.row.key), *map(_value, one.cells), *deltas])


def _value(shown: Cell) -> str | float:
    if shown.value is None:
        return ""
    if not isinstance(shown.value, str):
        return float(shown.value) if isinstance(shown.value, float) else shown.value
    return cell(shown.value)


def _delta(shown: Cell) -> str | float:
    return "" if shown.delta is None else shown.delta
