"""Promotions as lists show them: how their gates stand, and how many approvals they have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.db.models.fields.json import KT

from registry.gates import Status
from registry.models import Promotion, Review, Waiver

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
    return promotions.defer("evidence", *heavy)


def of(promotions: Iterable[Promotion]) -> list[PromotionRow]:
    """Return the given promotions (those of one page) as rows. Three queries."""
    shown = list(promotions)
    numbers = [one.pk for one in shown]
    approvals, waived = _approvals(numbers), _waived(numbers)
    frozen = Promotion.objects.filter(pk__in=numbers).order_by()
    told = {pk: (gates, needed) for pk, gates, needed in frozen.values_list(
        "pk", "evidence__gates", KT("evidence__policy__approvals")
    )}
    return [
        PromotionRow(
            one,
            len(approvals.get(one.pk, ())),
            _whole(told.get(one.pk, (None, None))[1]),
            _counts(told.get(one.pk, (None, None))[0], waived.get(one.pk, set())),
        )
        for one in shown
    ]


def _approvals(numbers: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    valid = Review.objects.filter(
        promotion__in=numbers,
        verdict=Review.Verdict.APPROVE,
        evidence_digest=F("promotion__evidence_digest"),
    )
    for number, name in valid.order_by().values_list("promotion", "reviewer_name"):
        found.setdefault(number, set()).add(name.casefold())
    return found


def _waived(numbers: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for number, gate in Waiver.objects.filter(promotion__in=numbers).values_list("promotion", "gate"):
        found.setdefault(number, set()).add(gate)
    return found


def _counts(gates: object, waived: set[str]) -> Mapping[str, int]:
    states: list[str] = []
    for gate in gates if isinstance(gates, list) else []:
        if gate.get("required"):
            passed = gate.get("status") == Status.PASSED
            states.append("waived" if not passed and gate.get("gate") in waived else str(gate.get("status")))
    return {state: states.count(state) for state in _ORDER if state in states}


def _whole(text: object) -> int:
    return int(text) if isinstance(text, int) or (isinstance(text, str) and text.isdigit()) else 1
