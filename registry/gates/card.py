"""Gate: the model card is complete and approved."""

from collections.abc import Mapping
from typing import Any

from registry.gates.gate import CardFacts, Facts, Gate, GateResult, Row, Status
from registry.gates.options import Kind, Option

APPROVED = "approved"
_NOT_YET = {
    "draft": "The model card is a draft; it has to be submitted and approved.",
    "in_review": "The model card waits for its approval.",
}


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if no required section is empty and, where the policy asks for it, the newest card is approved."""
    card = facts.card
    if card is None:
        return GateResult(Status.FAILED, "There is no model card.", "", _threshold(config))
    reason = _problem(card, config)
    status = Status.FAILED if reason else Status.PASSED
    rows = tuple(Row(name, Status.FAILED, reason="The model card lacks this.") for name in card.missing)
    words = reason or ("The model card is complete and approved." if config["approved"] else _COMPLETE)
    return GateResult(status, words, f"#{card.number} {card.state}", _threshold(config), rows=rows)


_COMPLETE = "The model card is complete."


def _problem(card: CardFacts, config: Mapping[str, Any]) -> str:
    if card.missing:
        return f"The model card lacks: {', '.join(card.missing)}."
    if config["approved"] and card.state != APPROVED:
        return _NOT_YET.get(card.state, "The model card is not approved.")
    return ""


def _threshold(config: Mapping[str, Any]) -> str:
    return APPROVED if config["approved"] else ""


GATE = Gate(
    "card",
    "Model card",
    "The model card has all required sections and is approved.",
    check,
    options=(
        Option(
            "approved", "Has to be approved", Kind.FLAG, True, help="Otherwise complete sections are enough."
        ),
    ),
    tab="card",
)
