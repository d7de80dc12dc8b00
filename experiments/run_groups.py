"""Rules: a table of groups of runs, and the filter that finds the runs of one. No database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments import filters
from experiments.group_arrays import Summary, Values
from experiments.metric_goals import Goal
from experiments.mirror_values import MAX_FILTER_VALUE
from experiments.run_columns import Column, chosen

MAX_KEYS = 2
MAX_METRICS = 6
MAX_GROUPS = 100


@dataclass(frozen=True)
class Measure:
    """One metric in one group.

    :ivar best: MLflow's id of the run that has the best value; empty where it is not known what is better
    """

    summary: Summary
    goal: Goal
    best: str


@dataclass(frozen=True)
class Group:
    """The runs that have the same values.

    :ivar values: of the keys of the grouping; long ones are cut
    :ivar query: filter that finds its runs; empty where none can
    :ivar measures: one for each metric; None where no run has it
    """

    values: Values
    count: int
    query: str
    measures: tuple[Measure | None, ...]


@dataclass(frozen=True)
class Grouping:
    """What a table of groups shows.

    :ivar more: there are more groups than the largest ones, which are here
    """

    keys: tuple[Column, ...]
    metrics: tuple[Column, ...]
    groups: list[Group]
    more: bool


def keys(names: Iterable[str]) -> tuple[Column, ...]:
    """Return by what an address groups: one or two parameters or tags, or nothing."""
    return tuple(column for column in chosen(names) if not column.is_metric)[:MAX_KEYS]


def measured(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the metrics among the columns of a table, as many as groups show."""
    return tuple(column for column in columns if column.is_metric)[:MAX_METRICS]


def query(text: str, keys: Sequence[Column], values: Sequence[str]) -> str:
    """Return the filter `text` narrowed to the runs of one group; empty where none finds exactly those."""
    if any(len(value) >= MAX_FILTER_VALUE for value in values):
        return ""
    asked = [
        f"{filters.written(column.kind, column.key)} = {filters.quoted(value)}"
        for column, value in zip(keys, values, strict=True)
    ]
    before = filters.as_expression(text)
    found = " and ".join([*([f"({before})"] if before else []), *asked])
    return found if len(found) <= filters.MAX_LENGTH else ""


def in_order(groups: Iterable[Group]) -> list[Group]:
    """Return the groups with the best mean of the first metric in front; else the largest."""

    def place(group: Group) -> tuple[bool, float, int, Values]:
        first = group.measures[0] if group.measures else None
        if first is None or first.goal is Goal.UNKNOWN:
            return (True, 0.0, -group.count, group.values)
        mean = first.summary.mean
        return (False, mean if first.goal is Goal.MIN else -mean, -group.count, group.values)

    return sorted(groups, key=place)
