"""The runs that are nested in a run, with the metrics that say most about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from experiments import run_columns
from experiments.compare_request import MAX_RUNS
from experiments.models import Run
from experiments.run_columns import Column
from integrations.mlflow_records import PARENT_TAG

PAGE = 50


@dataclass(frozen=True)
class ChildRow:
    """One nested run, and each of the columns with its value."""

    run: Run
    duration: timedelta | None
    values: list[tuple[Column, object]]


@dataclass(frozen=True)
class Children:
    """A page of the runs nested in a run.

    :ivar expression: the filter that finds all of them in the table of runs
    """

    page: Page[Run]
    columns: tuple[Column, ...]
    rows: list[ChildRow]
    expression: str

    @property
    def ids(self) -> str:
        """The runs of this page, as a comparison takes them."""
        return ",".join(row.run.run_id for row in self.rows[:MAX_RUNS])


def nested(run: Run) -> QuerySet[Run]:
    """Return the runs nested in `run`, the first started first."""
    rows = Run.objects.filter(filter_tags__key=PARENT_TAG, filter_tags__value=run.run_id)
    return rows.order_by("started_at", "pk")


def children(run: Run, number: str | None) -> Children:
    """Return the page called `number` of the runs nested in `run`, the first started first. Two queries."""
    page = Paginator(nested(run).defer("tags"), PAGE).get_page(number)
    rows = list(page.object_list)
    columns = run_columns.offer([(one.metrics, one.params) for one in rows]).default
    values = [
        ChildRow(
            one,
            None if one.duration is None else timedelta(milliseconds=one.duration),
            [(column, _value(one, column)) for column in columns],
        )
        for one in rows
    ]
    expression = f'tags.`{PARENT_TAG}` = "{run.run_id}"'
    return Children(page, columns, values, expression)


def _value(run: Run, column: Column) -> object:
    if column.is_metric:
        return run_columns.number_of(run.metrics.get(column.key))
    return run.params.get(column.key, "")
