"""A candidate's measurements beside those of another version, with a judgement in numbers. No database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from experiments.metric_goals import Goal
from registry.gates.gate import Row, Status
from registry.models import ModelVersion
from registry.version_facts import MetricFact, measured_metrics


@dataclass(frozen=True)
class Line:
    """One metric side by side.

    :ivar judgement: ``better``, ``worse``, ``within`` (worse, but no more than the policy tolerates),
        ``same``, or empty for what cannot be judged
    :ivar limit: what the policy's gate says of this metric, if it looks at it
    """

    fact: MetricFact
    judgement: str
    limit: Row | None = None

    @property
    def anchor(self) -> str:
        """What a comment on this line is about."""
        return f"metric:{self.fact.name}"


@dataclass(frozen=True)
class Comparison:
    """Metrics side by side.

    :ivar lines: every measured metric of the candidate
    :ivar better: names of those that improved; `worse` and `same` likewise; what got worse within the
        policy's tolerance is neither of the first two
    """

    lines: tuple[Line, ...]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    same: tuple[str, ...]

    @property
    def facts(self) -> list[MetricFact]:
        """The metrics without their judgement."""
        return [line.fact for line in self.lines]

    @property
    def is_judged(self) -> bool:
        """Whether there was anything to compare."""
        return bool(self.better or self.worse or self.same)

    @property
    def has_limits(self) -> bool:
        """Whether the policy sets a limit to any of these metrics."""
        return any(line.limit is not None and line.limit.threshold for line in self.lines)


def of(candidate: ModelVersion, baseline: ModelVersion | None, limits: Iterable[Row] = ()) -> Comparison:
    """Return `candidate` beside `baseline`; without one nothing is judged.

    :param limits: rows of the policy's gate on metrics, named after the metric they are about
    """
    by_name: Mapping[str, Row] = {row.name: row for row in limits}
    lines = tuple(
        Line(fact, _judge(fact, by_name.get(fact.name)), by_name.get(fact.name))
        for fact in measured_metrics(candidate, baseline)
    )
    names = [
        tuple(line.fact.name for line in lines if line.judgement in wanted)
        for wanted in (("better",), ("worse",), ("same", "within"))
    ]
    return Comparison(lines, *names)


def _judge(fact: MetricFact, limit: Row | None) -> str:
    if fact.baseline is None or not isfinite(fact.value - fact.baseline) or fact.goal == Goal.UNKNOWN:
        return ""
    if fact.value == fact.baseline:
        return "same"
    if (fact.value > fact.baseline) == (fact.goal == Goal.MAX):
        return "better"
    return "within" if limit is not None and limit.status is Status.PASSED else "worse"
