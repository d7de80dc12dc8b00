"""How gates read the results of jobs: only one about the very artifacts of the version counts."""

from collections.abc import Mapping
from typing import Any

from registry.gates.gate import CheckFacts, Facts, GateResult, Row, Status

_SHOWN = 50


def current(facts: Facts, kind: str) -> CheckFacts | None:
    """Return the result of `kind` about the artifacts as they were registered."""
    found = facts.checks.get(kind)
    if found is None or not facts.manifest_digest or found.manifest_digest != facts.manifest_digest:
        return None
    return found


def judged(found: CheckFacts, value: str, threshold: str, rows: tuple[Row, ...] = ()) -> GateResult:
    """Return a job's result as that of a gate."""
    status = Status.PASSED if found.passed else Status.FAILED
    return GateResult(status, found.summary, value, threshold, rows=rows)


def texts(details: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts in `details`; cut, because evidence holds every row."""
    found = details.get(name)
    return [str(one) for one in found[:_SHOWN]] if isinstance(found, list | tuple) else []
