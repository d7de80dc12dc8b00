"""The table of runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Max, Q, QuerySet

from experiments.models import Experiment, Run
from experiments.run_columns import Column, Offer, number_of, offer
from experiments.selectors.run_order import ordered

PAGE_SIZE = 50
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
ACTIVE = "active"
# The columns on offer are those of the newest runs; reading all of a hundred thousand would take seconds.
_SAMPLE = 200
_MAX_EXPERIMENTS = 500


@dataclass(frozen=True)
class RunFilter:
    """Which runs a table has; an empty field asks for nothing.

    :ivar experiment: MLflow's id of the experiment
    :ivar text: part of the name, or beginning of the run's id
    """

    experiment: str = ""
    text: str = ""
    status: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether every run passes."""
        return not (self.experiment or self.text or self.status)


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


def matching(wanted: RunFilter) -> QuerySet[Run]:
    """Return the runs that pass `wanted`, without those deleted in MLflow. No query yet."""
    rows = Run.objects.filter(lifecycle_stage=ACTIVE, experiment__lifecycle_stage=ACTIVE)
    if wanted.experiment:
        rows = rows.filter(experiment__experiment_id=wanted.experiment)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.text:
        rows = rows.filter(Q(name__icontains=wanted.text) | Q(run_id__startswith=wanted.text.lower()))
    return rows


def columns_on_offer(wanted: RunFilter) -> Offer:
    """Return the columns that the newest of the matching runs have. One query."""
    newest = matching(wanted).order_by("-started_at", "-pk").values_list("metrics", "params")
    return offer(list(newest[:_SAMPLE]))


def page_of(rows: QuerySet[Run], columns: Iterable[Column], sort: str, number: str | None) -> Page[RunRow]:
    """Return one page of `rows`; what is no number of a page gives the nearest one. Two queries."""
    listed = ordered(rows.select_related("experiment").defer("tags", "artifact_uri"), sort)
    # Counting needs none of the joins that ordering needs.
    paginator: Paginator[Any] = _Paginator(listed, rows, PAGE_SIZE)
    page = paginator.get_page(number)
    wanted = list(columns)
    return Page([_row(run, wanted) for run in page.object_list], page.number, paginator)


def newest_key() -> int:
    """Return the largest primary key: runs that are mirrored later have larger ones. One query."""
    return Run.objects.aggregate(last=Max("pk"))["last"] or 0


def experiments() -> list[Experiment]:
    """Return the experiments that a filter can name. One query."""
    return list(Experiment.objects.filter(lifecycle_stage=ACTIVE).order_by("name")[:_MAX_EXPERIMENTS])


def duration_of(run: Run) -> timedelta | None:
    """Return how long a run took; None while it goes on, or where MLflow does not say."""
    return run.ended_at - run.started_at if run.started_at and run.ended_at else None


if TYPE_CHECKING:
    _AnyPaginator = Paginator[Any]
else:
    _AnyPaginator = Paginator  # not subscriptable at run time


class _Paginator(_AnyPaginator):
    """Counts other rows than it shows: the same ones, without what only their order needs."""

    def __init__(self, listed: QuerySet[Run], counted: QuerySet[Run], size: int) -> None:
        super().__init__(listed, size)
        self._counted = counted

    @property
    def count(self) -> int:
        """Number of rows."""
        if not hasattr(self, "_count"):
            self._count = self._counted.count()
        return self._count


def _row(run: Run, columns: list[Column]) -> RunRow:
    return RunRow(run, [_cell(run, column) for column in columns], duration_of(run))


def _cell(run: Run, column: Column) -> Cell:
    if column.is_metric:
        return Cell(number_of(run.metrics.get(column.key)), is_metric=True)
    value = run.params.get(column.key)
    return Cell(None if value is None else str(value), is_metric=False)
