"""Runs in groups by one or two parameters or tags, with what metrics are in each group.

What is grouped and measured is read along the indexes of the narrow tables and joined here: a join in the
database looks every value up by its run, which took ten times as long on SQLite. Two numbers for each run and
key are held while a page is made; as many groups come out as are shown.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from experiments.group_arrays import Groups, Summary
from experiments.metric_goals import Goal
from experiments.metric_meaning import Meanings
from experiments.models import Experiment, Run
from experiments.run_columns import Column
from experiments.run_groups import MAX_GROUPS, Group, Grouping, Measure, in_order, query
from experiments.selectors.meanings import meanings as declared
from experiments.selectors.run_matches import Matches, RunFilter
from experiments.selectors.run_order import TABLES

_CHUNK = 10_000


def grouped(found: Matches, keys: Sequence[Column], metrics: Sequence[Column], wanted: RunFilter) -> Grouping:
    """Return the groups of the runs in `found`, which pass `wanted`; what is better is as declared."""
    one = Experiment.objects.filter(experiment_id=wanted.experiment).first() if wanted.experiment else None
    number = one.pk if one else None
    known = declared([number] if number else [])
    return grouping(found, keys, metrics, text=wanted.text, meanings=known, experiment=number)


def grouping(
    found: Matches,
    keys: Sequence[Column],
    metrics: Sequence[Column],
    *,
    text: str,
    meanings: Meanings,
    experiment: int | None,
) -> Grouping:
    """Return the largest groups of the runs in `found`. One query for each key and metric, and one.

    Runs that lack a key of the grouping are in no group.

    :param text: the filter that found them
    :param experiment: primary key of their experiment, where they have but one
    """
    first, *others = keys
    # Which runs pass is asked of those that have the first key; the others are joined to them.
    columns = [found.among(_rows(first)), *(_of(found, column) for column in others)]
    groups = Groups.of([_pairs(rows) for rows in columns], MAX_GROUPS)
    goals = [meanings.of(column.key, experiment).goal for column in metrics]
    summaries = [
        groups.summaries(_pairs(_of(found, column).filter(value__isnull=False)), goal)
        for column, goal in zip(metrics, goals, strict=True)
    ]
    best = {one.best for row in summaries for one in row if one and one.best is not None}
    names = dict(Run.objects.filter(pk__in=best).values_list("pk", "run_id")) if best else {}
    rows = [
        Group(
            values,
            groups.sizes[number],
            query(text, keys, values),
            tuple(_measure(row[number], goal, names) for row, goal in zip(summaries, goals, strict=True)),
        )
        for number, values in enumerate(groups.values)
    ]
    return Grouping(tuple(keys), tuple(metrics), in_order(rows), groups.more)


def _rows(column: Column) -> QuerySet[Any]:
    rows: QuerySet[Any] = TABLES[column.kind].objects.filter(key=column.key).order_by()
    return rows


def _of(found: Matches, column: Column) -> QuerySet[Any]:
    """Return the rows of a column; where few runs pass, only theirs."""
    return _rows(column) if found.driver is None else _rows(column).filter(run__in=found.all().values("pk"))


def _pairs(rows: QuerySet[Any]) -> Any:
    return rows.values_list("run_id", "value").iterator(chunk_size=_CHUNK)


def _measure(summary: Summary | None, goal: Goal, names: dict[int, str]) -> Measure | None:
    return Measure(summary, goal, names.get(summary.best or 0, "")) if summary else None
