"""What the page of a promotion shows, read at once. The number of queries does not depend on the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from audit.events import Event
from registry import (
    access,
    approvals,
    comparison,
    history,
    lineage_strip,
    review_gates,
    review_records,
    selectors,
    standing,
    verdict,
    version_sources,
)
from registry.history import TimelineEntry
from registry.models import ModelVersion, Promotion, RegisteredModel, Review
from registry.review_gates import GateBoard
from registry.stages import Stage
from registry.verdict import Renewal, Verdict
from registry.version_facts import metadata_changes

_METRICS_GATE = "metrics"


@dataclass(frozen=True)
class PolicyFacts:
    """Which policy the promotion follows; `url` is empty where there is nothing to look at."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class Frozen:
    """What the evidence holds, as far as the page names it."""

    at: datetime | None
    artifacts: str
    commit: str
    lock: str
    card_number: int | None
    card_state: str
    card_digest: str


def read(promotion: Promotion, user: User) -> dict[str, Any]:
    """Return the context of the page as `user` sees it.

    :param promotion: with its version, incumbent and their models
    """
    model = promotion.version.model
    permissions = access.permissions_on(user, model)
    baseline = _baseline(promotion)
    if promotion.state == Promotion.State.OPEN:
        version_sources.hold(promotion.version, rival=baseline)
    review_records.prefetch(promotion)
    reviews: list[Review] = list(promotion.reviews.all())
    events = history.of_promotion(promotion, permissions)
    found = verdict.of(promotion, user, permissions, renewals=_renewals(events))
    board = review_gates.of(found.gates, found.waivers, promotion.version)
    return {
        "promotion": promotion,
        "version": promotion.version,
        "incumbent": promotion.incumbent,
        "baseline": baseline,
        "verdict": found,
        "standing": standing.of(promotion, found, reviews, ended_by=_ended_by(events)),
        "approvals": approvals.of(promotion, found, reviews),
        "board": board,
        "comparison": comparison.of(promotion.version, baseline, _limits(board)),
        "changes": metadata_changes(promotion.version, baseline) if baseline else [],
        "strip": lineage_strip.of(promotion.version, promotion),
        "events": events,
        "remarks": remarks(events),
        "frozen": _frozen(promotion, events),
        "policy": _policy(promotion.evidence.get("policy", {}), model, promotion.to_stage),
        "evidence_digest": promotion.evidence_digest,
        "completes": found.is_last_approval,
        "must_type": must_type(promotion),
        **_powers(promotion, found, board, user, permissions),
    }


def _baseline(promotion: Promotion) -> ModelVersion | None:
    """Return the version beside which the candidate is judged. One query at most.

    On the way to Production it is the one that has to give way; if that is another by now, the evidence has
    changed, and the page says so.
    """
    goes_live = promotion.to_stage == Stage.PRODUCTION
    return promotion.incumbent if goes_live else selectors.compared_with(promotion)


def must_type(promotion: Promotion) -> str:
    """Return what has to be typed before an approval counts: what goes to Production is named by hand."""
    return promotion.version.version if promotion.to_stage == Stage.PRODUCTION else ""


def remarks(events: Sequence[TimelineEntry]) -> Mapping[str, list[str]]:
    """Return what was remarked on: anchor -> ids of the comments in the page."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.about and event.is_speech:
            found.setdefault(event.about, []).append(event.anchor)
    return found


def subjects(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what can be remarked on: anchor and words."""
    board: GateBoard = context["board"]
    gates = [(line.anchor, _("gate: %(name)s") % {"name": line.label}) for line in board.all]
    lines = context["comparison"].lines
    metrics = [(line.anchor, _("metric: %(name)s") % {"name": line.fact.name}) for line in lines]
    fields = [
        (f"metadata:{field.name}", _("metadata: %(name)s") % {"name": field.label})
        for field, _before in context["changes"]
    ]
    return [*gates, *metrics, *fields]


def _powers(
    promotion: Promotion, found: Verdict, board: GateBoard, user: User, permissions: frozenset[Permission]
) -> dict[str, bool]:
    own = promotion.requested_by_id == user.pk
    waits = promotion.kind == Promotion.Kind.BYPASS and promotion.followed_up_at is None
    return {
        "can_renew": found.is_open and Permission.PROMOTION_OPEN in permissions,
        "can_withdraw": found.is_open and (own or Permission.POLICY_EDIT in permissions),
        "can_waive": found.is_open and not own and Permission.GATE_WAIVE in permissions,
        "can_follow_up": waits and not own and Permission.PROMOTION_REVIEW in permissions,
        "is_requester": own,
    }


def _limits(board: GateBoard) -> Sequence[Any]:
    return next((line.result.rows for line in board.all if line.name == _METRICS_GATE), ())


def _ended_by(events: Sequence[TimelineEntry]) -> str:
    return next((one.actor for one in reversed(events) if one.event == Event.PROMOTION_WITHDRAWN), "")


def _renewals(events: Sequence[TimelineEntry]) -> list[Renewal]:
    wanted = Event.PROMOTION_EVIDENCE_RENEWED
    return [Renewal(event.replaced, event.changed) for event in events if event.event == wanted]


def _frozen(promotion: Promotion, events: Sequence[TimelineEntry]) -> Frozen:
    evidence: Mapping[str, Any] = promotion.evidence
    renewed = [one.at for one in events if one.event == Event.PROMOTION_EVIDENCE_RENEWED]
    card = evidence.get("card") or {}
    lineage = evidence.get("lineage") or {}
    return Frozen(
        at=renewed[-1] if renewed else promotion.opened_at,
        artifacts=str(evidence.get("manifest_digest") or ""),
        commit=str(lineage.get("git_commit") or ""),
        lock=str(evidence.get("dvc_lock_digest") or ""),
        card_number=card.get("number"),
        card_state=str(card.get("state") or ""),
        card_digest=str(card.get("digest") or ""),
    )


def _policy(told: Mapping[str, Any], model: RegisteredModel, to_stage: str) -> PolicyFacts:
    number = {"number": told.get("number", 0)}
    label = {
        "model": _("policy #%(number)s of this model"),
        "installation": _("policy #%(number)s of this installation"),
    }.get(str(told.get("of")), _("the rules that Stagegate ships with"))
    return PolicyFacts(label % number, _policy_address(model, to_stage))


def _policy_address(model: RegisteredModel, to_stage: str) -> str:
    try:
        return reverse("registry:model-policy", args=[model.name, to_stage])
    except NoReverseMatch:
        return ""


def newest_card_texts(version: ModelVersion, baseline: ModelVersion | None) -> tuple[str, str]:
    """Return the texts of the newest cards of a baseline and of a version; empty where there is none."""
    from registry import card

    new = card.newest(version)
    old = card.newest(baseline) if baseline else None
    return old.text if old else "", new.text if new else ""
