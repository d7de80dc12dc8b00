"""Gate: the artifacts are still those that were registered."""

from collections.abc import Mapping
from typing import Any

from registry.gates.check_results import current, judged, texts
from registry.gates.gate import Facts, Gate, GateResult, Row, Status

KIND = "artifacts"
_WORDS = {
    "changed": "This file has changed since it was registered.",
    "missing": "This file is not there any more.",
    "added": "This file was added after the registration.",
}


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if a job has hashed every artifact again and found what the manifest says."""
    threshold = facts.manifest_digest[:12]
    if not facts.manifest_digest:
        return GateResult(Status.PENDING, "No manifest of the artifacts was taken.")
    found = current(facts, KIND)
    if found is None:
        return GateResult(Status.PENDING, "The artifacts have not been verified yet.", "", threshold)
    rows = tuple(
        Row(path, Status.FAILED, reason=reason)
        for name, reason in _WORDS.items()
        for path in texts(found.details, name)
    )
    return judged(found, str(found.details.get("digest", ""))[:12], threshold, rows)


GATE = Gate(
    KIND,
    "Artifacts unchanged",
    "The artifacts have the digests that they were registered with.",
    check,
    tab="checks",
)
