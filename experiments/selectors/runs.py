"""The table of runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet

from experiments import filter_queries, filters
from experiments.models import Experiment, Run, RunMetric, RunParam
from experiments.run_columns import Column, Offer, number_of, offer
from experiments.selectors import run_order

PAGE_SIZE = 100
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
ACTIVE = "active"
#: Counting stops here: whoever has more matches than this refines the filter.
COUNTED = 10_000
# The columns on offer are those of the newest runs; reading all of a hundred thousand would take seconds.
_SAMPLE = 200
_MAX_EXPERIMENTS = 500


@dataclass(frozen=True)
class RunFilter:
    """Which runs a table has; an empty field asks for nothing.

    :ivar experiment: MLflow's id of the experiment
    :ivar text: an expression of the filter language, or words of which one finds by name or run id
    """

    experiment: str = ""
    text: str = ""
    status: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether every run passes."""
        return not (self.experiment or self.text.strip() or self.status)


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


@dataclass(frozen=True)
class Count:
    """How many runs pass; `more`: at least so many."""

    number: int
    more: bool


class RunList:
    """All runs of a filter in an order, as a paginator by page numbers slices them."""

    ordered = True

    def __init__(self, rows: QuerySet[Run], sort: str) -> None:
        self._rows = rows
        self._sort = sort

    def __getitem__(self, part: slice) -> list[Run]:
        start = part.start or 0
        return run_order.at(self._rows, self._sort, start, part.stop - start)

    def count(self) -> int:
        """Return how many runs there are. One query."""
        return self._rows.count()


def matching(wanted: RunFilter) -> QuerySet[Run]:
    """Return the runs that pass `wanted`, without those deleted in MLflow. No query yet.

    :raises filters.FilterError: its text looks like an expression and is none
    """
    rows = Run.objects.filter(lifecycle_stage=ACTIVE, experiment__lifecycle_stage=ACTIVE)
    if wanted.experiment:
        rows = rows.filter(experiment__experiment_id=wanted.experiment)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if filters.is_words(wanted.text):
        words = wanted.text.strip()
        return rows.filter(Q(name__icontains=words) | Q(run_id__startswith=words.lower())) if words else rows
    expression = filters.parse(wanted.text)
    return rows if expression is None else rows.filter(filter_queries.condition(expression))


def columns_on_offer(experiment: str) -> Offer:
    """Return the columns that the newest runs of an experiment have (empty: of all). One query."""
    newest = matching(RunFilter(experiment=experiment)).order_by("-started_at", "-pk")
    return offer(list(newest.values_list("metrics", "params")[:_SAMPLE]))


def page(
    rows: QuerySet[Run], columns: Iterable[Column], sort: str, *, after: str = "", before: str = ""
) -> RunPage:
    """Return one page of `rows`. At most seven queries, however many runs and columns there are.

    :raises run_order.CursorError: a cursor is not one of this order
    """
    wide = ("metrics", "params", "tags", "artifact_uri")
    listed = rows.select_related("experiment").defer(*wide)
    found = run_order.page(listed, sort, PAGE_SIZE, after=after, before=before)
    return RunPage(_rows(found.runs, list(columns)), found.after, found.before)


def count(rows: QuerySet[Run]) -> Count:
    """Return how many `rows` there are, as far as it is worth counting. One query."""
    number = rows.order_by()[: COUNTED + 1].count()
    return Count(min(number, COUNTED), number > COUNTED)


def newest_key() -> int:
    """Return the largest primary key: runs that are mirrored later have larger ones. One query."""
    return Run.objects.aggregate(last=Max("pk"))["last"] or 0


def experiments() -> list[Experiment]:
    """Return the experiments that a filter can name. One query."""
    return list(Experiment.objects.filter(lifecycle_stage=ACTIVE).order_by("name")[:_MAX_EXPERIMENTS])


def _rows(runs: Sequence[Run], columns: list[Column]) -> list[RunRow]:
    """Return the runs with their cells, from the narrow tables: whole runs may be large. Three queries."""
    keys = [run.pk for run in runs]
    metrics = [column.key for column in columns if column.is_metric]
    params = [column.key for column in columns if not column.is_metric]
    cells: dict[tuple[int, Column], Any] = {}
    odd: set[int] = set()
    if metrics:
        found = RunMetric.objects.filter(run__in=keys, key__in=metrics)
        for pk, key, value in found.values_list("run_id", "key", "value"):
            cells[pk, Column("metrics", key)] = value
            if value is None:
                odd.add(pk)
    if odd:
        # NaN and infinity have no number in the narrow table, and their names in the whole run.
        for number, stored in Run.objects.filter(pk__in=odd).values_list("pk", "metrics"):
            cells |= {(number, Column("metrics", key)): number_of(stored.get(key)) for key in metrics}
    if params:
        texts = RunParam.objects.filter(run__in=keys, key__in=params)
        cells |= {
            (pk, Column("params", key)): value
            for pk, key, value in texts.values_list("run_id", "key", "value")
        }
    return [
        RunRow(
            run, [Cell(cells.get((run.pk, column)), column.is_metric) for column in columns], _duration(run)
        )
        for run in runs
    ]


def _duration(run: Run) -> timedelta | None:
    """Return how long a run took; None while it goes on, or where MLflow does not say."""
    return None if run.duration is None else timedelta(milliseconds=run.duration)
