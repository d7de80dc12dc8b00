"""Promotions as lists show them: how their gates stand, and how many approvals they have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from registry.gates import Status
from registry.models import Promotion, Review, Waiver

_APPROVAL, _WAIVER = "approval", "waiver"
_ORDER = (Status.FAILED.value, Status.PENDING.value, "waived", Status.PASSED.value)


@dataclass(frozen=True)
class PromotionRow:
    """One promotion of a list.

    :ivar approvals: how many people approved its evidence
    :ivar needed: how many have to
    :ivar gates: state of the gates that block -> how many; as they stood when the evidence was frozen
    """

    promotion: Promotion
    approvals: int
    needed: int
    gates: Mapping[str, int]


def light(promotions: QuerySet[Promotion]) -> QuerySet[Promotion]:
    """Return `promotions` without what no list shows; evidence and manifests may be megabytes."""
    heavy = [
        f"{path}__{name}"
        for path in ("version", "incumbent")
        for name in ("manifest", "facts", "lineage", "metadata", "inspection")
    ]
    frozen = {"frozen_gates": F("evidence__gates"), "frozen_needed": KT("evidence__policy__approvals")}
    return promotions.defer("evidence", *heavy).annotate(**frozen)


def of(promotions: Iterable[Promotion]) -> list[PromotionRow]:
    """Return the given promotions (those of one page, made `light`) as rows. One query."""
    shown = list(promotions)
    approvals, waived = _said([one.pk for one in shown])
    return [
        PromotionRow(
            one,
            len(approvals.get(one.pk, ())),
            _whole(getattr(one, "frozen_needed", None)),
            _counts(getattr(one, "frozen_gates", None), waived.get(one.pk, set())),
        )
        for one in shown
    ]


def _said(numbers: list[int]) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Return, by number of the promotion, who approves its evidence and which gates are waived."""
    valid = Review.objects.filter(
        promotion__in=numbers,
        verdict=Review.Verdict.APPROVE,
        evidence_digest=F("promotion__evidence_digest"),
    ).order_by()
    waivers = Waiver.objects.filter(promotion__in=numbers).order_by()
    found: dict[str, dict[int, set[str]]] = {_APPROVAL: {}, _WAIVER: {}}
    rows = valid.values_list(_word(_APPROVAL), "promotion", "reviewer_name").union(
        waivers.values_list(_word(_WAIVER), "promotion", "gate")
    )
    for kind, number, name in rows:
        found[kind].setdefault(number, set()).add(name.casefold() if kind == _APPROVAL else name)
    return found[_APPROVAL], found[_WAIVER]


def _word(text: str) -> Cast:
    # PostgreSQL wants to know what a bare literal is.
    return Cast(Value(text), CharField(max_length=20))


def _counts(gates: object, waived: set[str]) -> Mapping[str, int]:
    states: list[str] = []
    for gate in gates if isinstance(gates, list) else []:
        if gate.get("required"):
            passed = gate.get("status") == Status.PASSED
            states.append("waived" if not passed and gate.get("gate") in waived else str(gate.get("status")))
    return {state: states.count(state) for state in _ORDER if state in states}


def _whole(text: object) -> int:
    return int(text) if isinstance(text, int) or (isinstance(text, str) and text.isdigit()) else 1
