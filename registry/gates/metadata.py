"""Gate: the required metadata are complete."""

from collections.abc import Mapping
from typing import Any

from registry.gates.gate import Facts, Gate, GateResult, Row, Status
from registry.gates.options import Kind, Option
from registry.metadata_categories import CATEGORIES, LABELS

REQUIRED = tuple(name for category in CATEGORIES.values() for name in category.required)


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if every required field is recorded that this model can have."""
    excused = set(config["not_applicable"])
    needed = [name for name in REQUIRED if name not in excused]
    missing = [name for name in facts.missing_metadata if name not in excused]
    value = f"{len(needed) - len(missing)} / {len(needed)}"
    threshold = f"{len(needed)} / {len(needed)}"
    if not missing:
        return GateResult(Status.PASSED, "Everything that is required is recorded.", value, threshold, "0")
    rows = tuple(Row(name, Status.FAILED, reason="Not recorded.") for name in missing)
    reason = f"Not recorded: {', '.join(missing)}."
    return GateResult(Status.FAILED, reason, value, threshold, str(-len(missing)), rows)


GATE = Gate(
    "metadata",
    "Metadata complete",
    "Every required field of the seven categories of metadata is recorded.",
    check,
    options=(
        Option(
            "not_applicable",
            "Not applicable",
            Kind.NAMES,
            (),
            help="Fields that this model cannot have, such as val_cer of a classifier.",
            choices={name: LABELS[name] for name in REQUIRED},
        ),
    ),
    tab="metadata",
)
