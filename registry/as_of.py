"""What was in Production at an instant, answered from the stage events."""

from dataclasses import dataclass
from datetime import datetime

from registry.models import ModelVersion, RegisteredModel, Review, StageEvent
from registry.stages import Stage


@dataclass(frozen=True)
class Serving:
    """What served at one instant.

    :ivar version: None if nothing was in Production then
    :ivar since: when it had come there
    :ivar by: who brought it there
    :ivar approved_by: whose approvals counted
    """

    at: datetime
    version: ModelVersion | None = None
    since: datetime | None = None
    by: str | None = None
    promotion: int | None = None
    evidence_digest: str | None = None
    approved_by: tuple[str, ...] = ()


def production(model: RegisteredModel, at: datetime) -> Serving:
    """Return what was in Production of `model` at `at`. Two queries.

    The last event up to that instant that touches Production decides: either it brought a version there, or
    it took the last one away.
    """
    touching = StageEvent.objects.filter(version__model=model, at__lte=at)
    touching = touching.filter(to_stage=Stage.PRODUCTION) | touching.filter(from_stage=Stage.PRODUCTION)
    event = touching.select_related("version__model", "promotion").order_by("-at", "-pk").first()
    if event is None or event.to_stage != Stage.PRODUCTION:
        return Serving(at=at)
    promotion = event.promotion
    return Serving(
        at=at,
        version=event.version,
        since=event.at,
        by=event.by_name,
        promotion=promotion.pk if promotion else None,
        evidence_digest=promotion.evidence_digest if promotion else None,
        approved_by=_approvers(event),
    )


def _approvers(event: StageEvent) -> tuple[str, ...]:
    if event.promotion is None:
        return ()
    approvals = event.promotion.reviews.filter(
        verdict=Review.Verdict.APPROVE, evidence_digest=event.promotion.evidence_digest
    )
    return tuple(approvals.order_by("at").values_list("reviewer_name", flat=True))
