"""Promotions and deployments: how they stood then, who decided, where it serves."""

from collections.abc import Collection, Iterable

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from lineage.facts.told import Fact, Told, facts
from lineage.node_ids import Kind, NodeId
from lineage.page_addresses import address
from lineage.reach import Reach
from registry import labels
from registry.models import Deployment, Evidence, Promotion, Review


def promotions(values: Collection[str], limits: Reach) -> dict[str, Told]:
    """Return what is told of promotions by primary key. Three queries at most."""
    approvals = Review.objects.filter(verdict=Review.Verdict.APPROVE, **limits.then("at"))
    rows = Promotion.objects.filter(pk__in=values).defer("evidence").order_by()
    rows = rows.prefetch_related(Prefetch("reviews", approvals.order_by("at", "pk"), to_attr="approvals"))
    digests = _digests_then(rows, limits)
    return {str(row.pk): _promotion(row, digests.get(row.pk, row.evidence_digest), limits) for row in rows}


def _digests_then(rows: Iterable[Promotion], limits: Reach) -> dict[int, str]:
    """Return the evidence of promotions that waited then; that of a decided one does not change any more."""
    waited = [row.pk for row in rows if limits.at and state_then(row, limits) == Promotion.State.OPEN]
    if not waited:
        return {}
    kept = Evidence.objects.filter(promotion__in=waited, **limits.then("at")).order_by("at", "pk")
    return dict(kept.values_list("promotion", "digest"))


def state_then(row: Promotion, limits: Reach) -> str:
    """Return the state in which a promotion was."""
    at, states = limits.at, Promotion.State
    if at is None:
        return row.state
    if row.decided_at is None or row.decided_at > at:
        return states.OPEN
    if row.state == states.APPLIED and row.applied_at and row.applied_at > at:
        return states.APPROVED
    return row.state


def _promotion(row: Promotion, digest: str, limits: Reach) -> Told:
    state = state_then(row, limits)
    reviews: list[Review] = getattr(row, "approvals", [])
    people = list(dict.fromkeys(one.reviewer_name for one in reviews if one.evidence_digest == digest))
    decided = row.decided_at if state != Promotion.State.OPEN else None
    words = {"number": row.pk, "stage": labels.stage(row.to_stage)}
    return Told(
        Kind.PROMOTION,
        str(NodeId(Kind.PROMOTION, str(row.pk))),
        _("#%(number)s to %(stage)s") % words,
        labels.promotion_state(state),
        row.get_absolute_url(),
        row.opened_at,
        state=state,
        facts=facts(
            Fact("to_stage", row.to_stage, "stage"),
            Fact("state", state, "promotion"),
            Fact("kind", row.kind, "promotion_kind"),
            Fact("requested_by", row.requested_by_name),
            Fact("opened_at", row.opened_at, "time"),
            Fact("decided_at", decided, "time"),
            Fact("approved_by", people, "list"),
            Fact("evidence_digest", digest, "digest"),
        ),
    )


def deployments(values: Collection[str], limits: Reach) -> dict[str, Told]:
    """Return what is told of deployments by primary key. One query."""
    rows = Deployment.objects.filter(pk__in=values).select_related("version__model").order_by()
    heavy = ("manifest", "facts", "inspection", "metadata", "lineage")
    return {
        str(row.pk): _deployment(row, limits) for row in rows.defer(*(f"version__{name}" for name in heavy))
    }


def _deployment(row: Deployment, limits: Reach) -> Told:
    ended = row.retired_at if limits.at is None or (row.retired_at and row.retired_at <= limits.at) else None
    page = address("registry:deployments", row.version.model.name)
    return Told(
        Kind.DEPLOYMENT,
        str(NodeId(Kind.DEPLOYMENT, str(row.pk))),
        row.environment,
        _("ended") if ended else _("serves"),
        f"{page}#deployment-{row.pk}",
        row.at,
        state="retired" if ended else "serving",
        facts=facts(
            Fact("environment", row.environment),
            Fact("since", row.at, "time"),
            Fact("until", ended, "time"),
            Fact("url", row.url),
            Fact("note", row.note),
            Fact("recorded_by", row.recorded_by_name),
        ),
    )
