"""The table of runs as CSV: the same filter, order and columns, all pages of it."""

import csv
from collections.abc import Iterator, Sequence

from experiments.models import Run
from experiments.run_columns import Column, number_of
from experiments.selectors import run_order
from experiments.selectors.run_matches import Matches

#: Runs that are held at a time.
CHUNK = 500
HEADINGS = ("run_id", "name", "experiment", "status", "started", "ended", "duration_seconds", "user")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """Hands every line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines(found: Matches, columns: Sequence[Column], sort: str) -> Iterator[str]:
    """Yield the lines of the table, the headings first; the memory needed does not grow with the runs.

    It is read by keyset while runs go on: one whose place changes meanwhile may be missing or come twice.
    """
    writer = csv.writer(_Echo())
    # Spreadsheets take Hangul for something else without the mark at the beginning.
    yield "\ufeff" + writer.writerow([*HEADINGS, *(harmless(column.name) for column in columns)])
    place = ""
    while True:
        page = run_order.page(found, sort, CHUNK, after=place, wide=True)
        for run in page.runs:
            yield writer.writerow(_cells(run, columns))
        place = page.after
        if not place:
            return


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cells(run: Run, columns: Sequence[Column]) -> list[str | float]:
    return [
        run.run_id,
        harmless(run.name),
        harmless(run.experiment.name),
        run.status,
        run.started_at.isoformat() if run.started_at else "",
        run.ended_at.isoformat() if run.ended_at else "",
        "" if run.duration is None else run.duration / 1000,
        harmless(run.user),
        *(_cell(run, column) for column in columns),
    ]


def _cell(run: Run, column: Column) -> str | float:
    if column.is_metric:
        number = number_of(run.metrics.get(column.key))
        return "" if number is None else number
    value = (run.params if column.kind == "params" else run.tags).get(column.key)
    if value is None:
        return ""
    text = str(value)
    try:
        # A negative number is no formula, and has to stay a number.
        float(text)
    except ValueError:
        return harmless(text)
    return text
