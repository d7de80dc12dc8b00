"""Gate: the model loads in an isolated process and runs its input example."""

from collections.abc import Mapping
from typing import Any

from registry.gates.check_results import current, judged, texts
from registry.gates.gate import Facts, Gate, GateResult, Status

KIND = "smoke_test"


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if a job has loaded the model without unpickling anything and got an output from it."""
    found = current(facts, KIND)
    if found is None:
        return GateResult(Status.PENDING, "The smoke test has not run yet.")
    return judged(found, ", ".join(texts(found.details, "outputs")), "")


GATE = Gate(
    KIND,
    "Smoke test",
    "The model loads in an isolated process, without unpickling, and runs its input example.",
    check,
    tab="checks",
)
