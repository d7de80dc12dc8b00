"""Rules: what a metric means to people: which values are better, its unit, what counts as the same.

What was declared for the experiment counts, else what was declared for all experiments, else the name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from experiments.metric_goals import Goal, goal


class Source(StrEnum):
    """Where the direction of a metric is from."""

    EXPERIMENT = "experiment"
    GENERAL = "general"
    NAME = "name"


@dataclass(frozen=True)
class Meaning:
    """What is known of one metric.

    :ivar tolerance: absolute difference up to which two values are the same
    """

    goal: Goal
    unit: str = ""
    tolerance: float = 0.0
    source: Source = Source.NAME


@dataclass(frozen=True)
class Declared:
    """What somebody declared about a metric.

    :ivar direction: ``min``, ``max``, ``unknown`` (neither), or empty: as the name says
    """

    direction: str = ""
    unit: str = ""
    tolerance: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether it says no more than the name does."""
        return not (self.direction or self.unit or self.tolerance)


class Meanings:
    """The meanings of metrics in some experiments.

    :param declared: (primary key of an experiment, or None for all; metric) -> what was declared
    """

    def __init__(self, declared: Mapping[tuple[int | None, str], Declared]) -> None:
        self._declared = declared

    def of(self, key: str, experiment: int | None) -> Meaning:
        """Return what the metric `key` means in one experiment (None: in all)."""
        for scope, source in ((experiment, Source.EXPERIMENT), (None, Source.GENERAL)):
            found = self._declared.get((scope, key))
            if found:
                where = Source.GENERAL if scope is None else source
                return Meaning(_direction(found.direction, key), found.unit, found.tolerance, where)
        return Meaning(goal(key))

    def across(self, key: str, experiments: Iterable[int]) -> Meaning:
        """Return what the metric means in all of `experiments`; what they disagree about is unknown."""
        found = list(dict.fromkeys(self.of(key, experiment) for experiment in dict.fromkeys(experiments)))
        if len(found) == 1:
            return found[0]
        if not found:
            return self.of(key, None)
        goals, units = {one.goal for one in found}, {one.unit for one in found}
        return Meaning(
            goals.pop() if len(goals) == 1 else Goal.UNKNOWN,
            units.pop() if len(units) == 1 else "",
            min(one.tolerance for one in found),
            found[0].source,
        )

    def declared(self, experiment: int | None) -> dict[str, Declared]:
        """Return what was declared for one experiment (None: for all) itself."""
        return {key: found for (scope, key), found in self._declared.items() if scope == experiment}


def _direction(declared: str, key: str) -> Goal:
    if not declared:
        return goal(key)
    return Goal.UNKNOWN if declared == "unknown" else Goal(declared)
