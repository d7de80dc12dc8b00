"""Rules: how far what was rebuilt is from what was recorded. No database, no I/O.

Everything is JSON that can be signed: no NaN, no infinities (they are words, as `experiments.pipeline_facts`
writes them).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

# Not "a number": what stands in a text where a computation may have put one.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
#: A measure of time is never the same twice.
NOT_COMPARED = ("*seconds*", "*_time", "*time_*", "*duration*", "*latency*", "*throughput*", "*per_second*")
_MACHINE = ("python", "implementation", "torch", "cuda", "gpu", "gpus", "system", "cpu", "cpus")


class State(StrEnum):
    """How one file or metric came out."""

    IDENTICAL = "identical"
    WITHIN = "within"
    DIFFERENT = "different"
    MISSING = "missing"  # recorded, and not made again
    NEW = "new"  # made, and never recorded
    NOT_COMPARED = "not_compared"
    NOT_PRODUCED = "not_produced"  # the run recorded it, and no metrics file of the pipeline has it


#: What stands in a report without a say in its verdict.
UNCOMPARED = frozenset({State.NOT_COMPARED, State.NOT_PRODUCED})


class Source(StrEnum):
    """Where the bytes of a registered file come from."""

    OUTPUT = "output"  # a stage made them again
    RECORDED = "recorded"  # a stage made them when `dvc.lock` recorded it
    INPUT = "input"  # a file of the commit, or of its data
    PACKAGING = "packaging"  # what MLflow writes around a model
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """How a reproduction ended; only the first two speak for the version."""

    IDENTICAL = "identical"
    WITHIN = "within_tolerance"
    DIFFERENT = "different"
    NOT_SHOWN = "not_shown"
    NO_PIPELINE = "no_pipeline"
    NO_COMMIT = "no_commit"
    NO_RECORD = "no_record"
    MISSING_DATA = "missing_data"
    CHANGED_INPUT = "changed_input"
    STAGE_FAILED = "stage_failed"
    NOT_ENCLOSED = "not_enclosed"

    @property
    def passed(self) -> bool:
        """Whether the version came out again."""
        return self in (Verdict.IDENTICAL, Verdict.WITHIN)


class NotRebuiltError(Exception):
    """The version cannot be rebuilt, or could not be compared; `verdict` says in which way, the text why."""

    def __init__(self, verdict: Verdict, problem: str) -> None:
        super().__init__(problem)
        self.verdict = verdict
        self.problem = problem


@dataclass(frozen=True)
class Tolerance:
    """How far a metric may be from the recorded one.

    :ivar relative: share of the recorded value
    :ivar absolute: or this much, whichever is more
    :ivar identical_files: whether every output must have the same bytes. If not, files may differ as long as
        there are metrics and all of them are within the tolerance: weights differ between processors
    :ivar ignored: patterns (``*seconds*``) of metrics that are not compared
    """

    relative: float = 0.01
    absolute: float = 1e-6
    identical_files: bool = False
    ignored: tuple[str, ...] = NOT_COMPARED

    def allows(self, recorded: float, rebuilt: float) -> bool:
        """Say whether the two values are close enough."""
        return abs(rebuilt - recorded) <= max(self.absolute, self.relative * abs(recorded))

    def ignores(self, name: str) -> bool:
        """Say whether the metric called `name` is not compared; the patterns know no capitals."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.ignored)


def compare_metrics(
    recorded: Mapping[str, Any], rebuilt: Mapping[str, Any], tolerance: Tolerance
) -> list[dict[str, Any]]:
    """Return a row for every metric: name, both values (None: not there), difference, state."""
    names = [*recorded, *(name for name in rebuilt if name not in recorded)]
    return [_metric(name, recorded.get(name), rebuilt.get(name), tolerance) for name in names]


def compare_texts(recorded: str, rebuilt: str, tolerance: Tolerance) -> tuple[State, float | None]:
    """Compare two texts that are the same but for numbers in them.

    :return: the state, and the largest relative difference (None if they do not compare)
    """
    if recorded == rebuilt:
        return State.IDENTICAL, 0.0
    if _NUMBER.sub("#", recorded) != _NUMBER.sub("#", rebuilt):
        return State.DIFFERENT, None
    pairs = list(
        zip(map(float, _NUMBER.findall(recorded)), map(float, _NUMBER.findall(rebuilt)), strict=True)
    )
    largest = max((_relative(*pair) for pair in pairs), default=0.0)
    close = all(tolerance.allows(*pair) for pair in pairs)
    return (State.WITHIN if close else State.DIFFERENT), largest if math.isfinite(largest) else None


def judge(
    files: Iterable[Mapping[str, Any]],
    metrics: Iterable[Mapping[str, Any]],
    tolerance: Tolerance,
    *,
    registered: Iterable[Mapping[str, Any]],
) -> Verdict:
    """Return what the rows of a comparison come to.

    :param registered: a row for every registered file, with its source. Without evidence that they are this
        pipeline's, nothing of what it makes speaks for the version
    """
    outputs = [State(row["state"]) for row in files]
    measured = [State(row["state"]) for row in metrics if row["state"] not in UNCOMPARED]
    if not outputs and not measured:
        return Verdict.NO_RECORD
    if not set(measured) <= {State.IDENTICAL, State.WITHIN} or State.MISSING in outputs:
        return Verdict.DIFFERENT
    same = set(outputs) <= {State.IDENTICAL}
    if not same and (tolerance.identical_files or not measured):
        return Verdict.DIFFERENT
    if not is_shown(Source(row["source"]) for row in registered):
        return Verdict.NOT_SHOWN
    return Verdict.IDENTICAL if same and set(measured) <= {State.IDENTICAL} else Verdict.WITHIN


def is_shown(sources: Iterable[Source]) -> bool:
    """Say whether files are shown to be a pipeline's: it made one of them at least, and all are explained."""
    found = set(sources)
    return bool(found & {Source.OUTPUT, Source.RECORDED}) and Source.UNKNOWN not in found


def compare_environments(recorded: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what differs between two environments: what, before, now; the machine first, then packages.

    What nobody recorded is not compared.
    """
    rows = [(name, recorded.get(name), rebuilt.get(name)) for name in _MACHINE if name in recorded]
    before, now = recorded.get("packages"), rebuilt.get("packages")
    if isinstance(before, dict) and isinstance(now, dict):
        rows += [(name, before.get(name), now.get(name)) for name in sorted({*before, *now})]
    return [
        {"name": name, "recorded": _word(old), "rebuilt": _word(new)} for name, old, new in rows if old != new
    ]


def tolerance_data(tolerance: Tolerance) -> dict[str, Any]:
    """Return a tolerance as JSON."""
    return {**asdict(tolerance), "ignored": list(tolerance.ignored)}


def _metric(name: str, recorded: Any, rebuilt: Any, tolerance: Tolerance) -> dict[str, Any]:
    difference = None
    if recorded is None:
        state = State.NEW
    elif rebuilt is None:
        state = State.MISSING
    elif recorded == rebuilt:
        state, difference = State.IDENTICAL, 0.0
    elif isinstance(recorded, str) or isinstance(rebuilt, str):
        state = State.DIFFERENT
    else:
        difference = float(rebuilt - recorded)
        state = State.WITHIN if tolerance.allows(recorded, rebuilt) else State.DIFFERENT
    if tolerance.ignores(name):
        state = State.NOT_COMPARED
    return {
        "name": name,
        "recorded": recorded,
        "rebuilt": rebuilt,
        "difference": difference if difference is None or math.isfinite(difference) else None,
        "state": state.value,
    }


def _relative(recorded: float, rebuilt: float) -> float:
    if recorded == rebuilt:
        return 0.0
    return abs(rebuilt - recorded) / abs(recorded) if recorded else math.inf


def _word(value: Any) -> str:
    return "" if value is None else str(value)
