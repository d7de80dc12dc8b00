"""A candidate's measurements beside those of another version, with a judgement in numbers. No database."""

from dataclasses import dataclass
from math import isfinite

from experiments.metric_goals import Goal
from registry.models import ModelVersion
from registry.version_facts import MetricFact, measured_metrics


@dataclass(frozen=True)
class Comparison:
    """Metrics side by side.

    :ivar facts: every measured metric of the candidate
    :ivar better: names of those that improved; `worse` and `same` likewise
    """

    facts: list[MetricFact]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    same: tuple[str, ...]

    @property
    def is_judged(self) -> bool:
        """Whether there was anything to compare."""
        return bool(self.better or self.worse or self.same)


def of(candidate: ModelVersion, baseline: ModelVersion | None) -> Comparison:
    """Return `candidate` beside `baseline`; without one nothing is judged."""
    facts = measured_metrics(candidate, baseline)
    judged = {fact.name: _judge(fact) for fact in facts}
    names = [tuple(name for name, sign in judged.items() if sign == wanted) for wanted in (1, -1, 0)]
    return Comparison(facts, *names)


def _judge(fact: MetricFact) -> int | None:
    """Return 1 for better, -1 for worse, 0 for equal, None for what cannot be judged."""
    if fact.baseline is None or not isfinite(fact.value - fact.baseline) or fact.goal == Goal.UNKNOWN:
        return None
    if fact.value == fact.baseline:
        return 0
    return 1 if (fact.value > fact.baseline) == (fact.goal == Goal.MAX) else -1
