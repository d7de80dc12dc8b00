"""The table of runs as CSV: the same filter, order and columns, all pages of it."""

from collections.abc import Iterator, Sequence

from accounts.csv_cells import neutral
from experiments.csv_lines import MARK, cell, line
from experiments.models import Run
from experiments.run_columns import Column, number_of
from experiments.selectors import run_order
from experiments.selectors.run_matches import Matches

#: Runs that are held at a time.
CHUNK = 500
HEADINGS = ("run_id", "name", "experiment", "status", "started", "ended", "duration_seconds", "user")


def lines(found: Matches, columns: Sequence[Column], sort: str) -> Iterator[str]:
    """Yield the lines of the table, the headings first; the memory needed does not grow with the runs.

    It is read by keyset while runs go on: one whose place changes meanwhile may be missing or come twice.
    """
    yield MARK + line([*HEADINGS, *(neutral(column.name) for column in columns)])
    place = ""
    while True:
        page = run_order.page(found, sort, CHUNK, after=place, wide=True)
        for run in page.runs:
            yield line(_cells(run, columns))
        place = page.after
        if not place:
            return


def _cells(run: Run, columns: Sequence[Column]) -> list[str | float]:
    return [
        run.run_id,
        neutral(run.name),
        neutral(run.experiment.name),
        run.status,
        run.started_at.isoformat() if run.started_at else "",
        run.ended_at.isoformat() if run.ended_at else "",
        "" if run.duration is None else run.duration / 1000,
        neutral(run.user),
        *(_cell(run, column) for column in columns),
    ]


def _cell(run: Run, column: Column) -> str | float:
    if column.is_metric:
        number = number_of(run.metrics.get(column.key))
        return "" if number is None else number
    value = (run.params if column.kind == "params" else run.tags).get(column.key)
    return "" if value is None else cell(str(value))
