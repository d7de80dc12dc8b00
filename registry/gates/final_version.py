"""Gate: only final versions go to Production."""

from collections.abc import Mapping
from typing import Any

from registry.gates.gate import Facts, Gate, GateResult, Status
from registry.stages import Stage


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass unless a release candidate is to go to Production."""
    if facts.is_candidate and facts.to_stage == Stage.PRODUCTION:
        reason = "A release candidate does not go to Production; finalise it first."
        return GateResult(Status.FAILED, reason, facts.version, "no pre-release")
    if facts.is_candidate:
        reason = "A release candidate may go to this stage."
        return GateResult(Status.PASSED, reason, facts.version)
    return GateResult(Status.PASSED, "The version is final.", facts.version, "no pre-release")


GATE = Gate("final_version", "Final version", "Only final versions go to Production.", check)
