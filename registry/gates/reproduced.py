"""Gate: the version was rebuilt from its commit and data, with the same result within a tolerance."""

from collections.abc import Mapping
from typing import Any

from registry.gates.check_results import current, judged
from registry.gates.gate import Facts, Gate, GateResult, Status

KIND = "reproduction"


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if the newest reproduction came out within its tolerance; one that never ran is pending."""
    found = current(facts, KIND)
    if found is None:
        return GateResult(Status.PENDING, "Not run: nobody has reproduced this version yet.", "not run")
    return judged(found, "", "")


GATE = Gate(
    "reproduced",
    "Reproduced",
    "The version was rebuilt from its commit and data, with the same result within a tolerance.",
    check,
    tab="checks",
)
