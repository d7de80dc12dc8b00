"""Gate: the version moves as far as what changed asks for."""

from collections.abc import Mapping
from typing import Any

from registry.bump import Bump
from registry.gates.gate import Facts, Gate, GateResult, Status


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if the chosen bump is at least the required one; a written reason alone does not pass."""
    if not facts.required_bump:
        reason = "There is no earlier release that asks for a bump."
        return GateResult(Status.PASSED, reason, facts.bump)
    # A word that nobody knows asks for the most and counts for the least.
    needed, chosen = _size(facts.required_bump, Bump.MAJOR), _size(facts.bump, 0)
    margin = f"{chosen - needed:+d}" if chosen != needed else "0"
    if chosen >= needed:
        reason = "The version moves as far as the changes ask for."
        return GateResult(Status.PASSED, reason, facts.bump, facts.required_bump, margin)
    return GateResult(Status.FAILED, _too_little(facts), facts.bump, facts.required_bump, margin)


def _too_little(facts: Facts) -> str:
    why = " ".join(facts.bump_reason.split())
    if not why:
        return f"The changes ask for a {facts.required_bump} version; this one moves less far."
    return f"The changes ask for a {facts.required_bump} version; this one moves less far, because: {why}"


def _size(word: str, unknown: int) -> int:
    try:
        return int(Bump.parse(word))
    except ValueError:
        return int(unknown)


GATE = Gate("bump", "Honest version", "The version moves as far as what changed asks for.", check)
