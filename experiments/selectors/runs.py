"""The table of runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Max, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from experiments import run_tags
from experiments.models import Experiment, Run, RunTag
from experiments.run_columns import Column, Offer, number_of, offer
from experiments.selectors import run_order
from experiments.selectors.run_matches import ACTIVE, Matches

PAGE_SIZE = 100
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
#: Counting stops here: whoever has more matches than this refines the filter.
COUNTED = 10_000
# The columns on offer are those of the newest runs; reading all of a hundred thousand would take seconds.
_SAMPLE = 100
_SAMPLE_CHUNK = 20
_SAMPLE_KEYS = 20_000
_MAX_EXPERIMENTS = 500
# Stands for a metric that is no finite number: no run is likely to have it, and if one has it is read again.
_ODD = -1.7976931348623157e308


@dataclass(frozen=True)
class Cell:
    """What a run has in one column: a number (metrics), a text (parameters), or None where it has nothing."""

    value: float | str | None
    is_metric: bool


@dataclass(frozen=True)
class RunRow:
    """One run and its cells in the order of the columns."""

    run: Run
    cells: list[Cell]
    duration: timedelta | None


@dataclass(frozen=True)
class RunPage:
    """One page of the table.

    :ivar after: cursor of the next page, `before`: of the one before; empty where there is none
    """

    rows: list[RunRow]
    after: str
    before: str

    @property
    def count(self) -> "Count":
        """How many runs there are if this is the only page."""
        return Count(len(self.rows), more=False)


@dataclass(frozen=True)
class Count:
    """How many runs pass; `more`: at least so many."""

    number: int
    more: bool


class RunList:
    """All runs of a filter in an order, as a paginator by page numbers slices them."""

    ordered = True

    def __init__(self, found: Matches, sort: str) -> None:
        self._found = found
        self._sort = sort

    def __getitem__(self, part: slice) -> list[Run]:
        start = part.start or 0
        return run_order.at(self._found, self._sort, start, part.stop - start)

    def count(self) -> int:
        """Return how many runs there are. One query."""
        return self._found.all().count()


def columns_on_offer(experiment: str) -> Offer:
    """Return the columns that the newest runs of an experiment have (empty: of all). Two queries."""
    # No join: with one, SQLite takes the experiment first and sorts all its runs.
    newest = Run.objects.filter(lifecycle_stage=ACTIVE)
    if experiment:
        chosen = Experiment.objects.filter(experiment_id=experiment, lifecycle_stage=ACTIVE).values("pk")
        newest = newest.filter(experiment=Subquery(chosen[:1]))
    else:
        gone = Experiment.objects.exclude(lifecycle_stage=ACTIVE).values("pk")
        newest = newest.exclude(experiment__in=gone)
    rows = newest.order_by("-started_at").values_list("pk", "metrics", "params")[:_SAMPLE]
    keys, known, sample = [], 0, []
    for pk, metrics, params in rows.iterator(chunk_size=_SAMPLE_CHUNK):
        keys.append(pk)
        sample.append((metrics, params))
        known += len(metrics) + len(params)
        # Runs of ten thousand metrics each: a few of them tell enough.
        if known > _SAMPLE_KEYS:
            break
    tags = RunTag.objects.filter(run__in=keys).order_by().values_list("key", flat=True).distinct()
    return offer(sample, [key for key in tags if not run_tags.is_system(key)])


def page(
    found: Matches, columns: Iterable[Column], sort: str, *, after: str = "", before: str = ""
) -> RunPage:
    """Return one page of runs. At most seven queries, however many runs and columns there are.

    :raises run_order.CursorError: a cursor is not one of this order
    """
    part = run_order.page(found, sort, PAGE_SIZE, after=after, before=before)
    return RunPage(_rows(part.runs, list(columns)), part.after, part.before)


def count(found: Matches) -> Count:
    """Return how many runs there are, as far as it is worth counting. One query."""
    number = found.all()[: COUNTED + 1].count()
    return Count(min(number, COUNTED), number > COUNTED)


def news(found: Matches, since: int) -> int:
    """Return how many runs with primary keys above `since` there are, as far as is counted. One query."""
    return found.filter(Q(pk__gt=since)).all()[:COUNTED].count()


def newest_key() -> int:
    """Return the largest primary key: runs that are mirrored later have larger ones. One query."""
    return Run.objects.aggregate(last=Max("pk"))["last"] or 0


def experiments() -> list[Experiment]:
    """Return the experiments that a filter can name. One query."""
    return list(
        Experiment.objects.filter(lifecycle_stage=ACTIVE).defer("tags").order_by("name")[:_MAX_EXPERIMENTS]
    )


def _rows(runs: Sequence[Run], columns: list[Column]) -> list[RunRow]:
    """Return the runs with their cells, from the narrow tables: whole runs may be large. Two queries."""
    keys = [run.pk for run in runs]
    cells = _cells(keys, columns)
    odd = [pk for pk, values in cells.items() if _ODD in values]
    if odd:
        # NaN and infinity have no number in the narrow table, and their names in the whole run.
        for pk, stored in Run.objects.filter(pk__in=odd).values_list("pk", "metrics"):
            cells[pk] = [
                number_of(stored.get(column.key)) if value == _ODD else value
                for column, value in zip(columns, cells[pk], strict=True)
            ]
    nothing = [None] * len(columns)
    return [
        RunRow(
            run,
            [
                Cell(value, column.is_metric)
                for column, value in zip(columns, cells.get(run.pk, nothing), strict=True)
            ],
            _duration(run),
        )
        for run in runs
    ]


def _cells(keys: list[int], columns: list[Column]) -> dict[int, list[Any]]:
    """Return what runs have in `columns`; `_ODD` for a metric that is no finite number. One query."""
    if not keys or not columns:
        return {}
    # A look-up for each cell: asked for all keys at once, SQLite reads everything that has one of the keys.
    looked_up = {f"cell_{number}": _cell(column) for number, column in enumerate(columns)}
    found = Run.objects.filter(pk__in=keys).order_by().values_list("pk").annotate(**looked_up)
    return {pk: list(values) for pk, *values in found}


def _cell(column: Column) -> Subquery:
    value = Coalesce("value", Value(_ODD)) if column.is_metric else F("value")
    row = run_order.TABLES[column.kind].objects.filter(run=OuterRef("pk"), key=column.key)
    return Subquery(row.values_list(value)[:1])


def _duration(run: Run) -> timedelta | None:
    """Return how long a run took; None while it goes on, or where MLflow does not say."""
    return None if run.duration is None else timedelta(milliseconds=run.duration)
