"""The order of a list of runs: by a column of its own, by any metric, by any parameter."""

from typing import Any

from django.db.models import (
    Case,
    DurationField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    FloatField,
    Q,
    QuerySet,
    When,
)
from django.db.models import Value as Literal
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from experiments.models import Run
from experiments.run_columns import Column, parse

DEFAULT = "-started"
_FIELDS: dict[str, str] = {
    "name": "name",
    "experiment": "experiment__name",
    "status": "status",
    "started": "started_at",
    "user": "user",
}
# What both databases can turn into a number; anything else would be 0 in one and an error in the other.
_NUMBER = r"^[+-]?([0-9]{1,15}\.?[0-9]{0,17}|\.[0-9]{1,17})([eE][+-]?[0-9]{1,2})?$"


def is_known(sort: str) -> bool:
    """Say whether `sort` names a column that runs can be ordered by."""
    name = sort.removeprefix("-")
    return name in _FIELDS or name == "duration" or parse(name) is not None


def ordered(rows: QuerySet[Run], sort: str) -> QuerySet[Run]:
    """Return `rows` ordered by `sort` (``-`` in front: descending); runs without a value come last.

    Equal ones are ordered newest first. A `sort` that is not known is the default.
    """
    sort = sort if is_known(sort) else DEFAULT
    name = sort.removeprefix("-")
    column = parse(name)
    if column is not None:
        rows, keys = _by_metric(rows, column) if column.is_metric else _by_param(rows, column)
    elif name == "duration":
        length = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
        rows, keys = rows.annotate(sort_length=length), ["sort_length"]
    else:
        keys = [_FIELDS[name]]
    return rows.order_by(*(_directed(key, down=sort.startswith("-")) for key in keys), "-started_at", "-pk")


def _directed(key: str, *, down: bool) -> Any:
    return F(key).desc(nulls_last=True) if down else F(key).asc(nulls_last=True)


def _by_metric(rows: QuerySet[Run], column: Column) -> tuple[QuerySet[Run], list[str]]:
    # A join with the rows of this metric alone: one pass over its index, and NULL where a run has none.
    relation = FilteredRelation("latest", condition=Q(latest__key=column.key))
    return rows.annotate(sort_metric=relation), ["sort_metric__value"]


def _by_param(rows: QuerySet[Run], column: Column) -> tuple[QuerySet[Run], list[str]]:
    """Order as numbers what looks like numbers, and the rest as text after it."""
    rows = rows.annotate(sort_text=KeyTextTransform(column.key, "params"))
    number = Case(When(sort_text__regex=_NUMBER, then=Cast("sort_text", FloatField())), default=Literal(None))
    return rows.annotate(sort_number=number), ["sort_number", "sort_text"]
