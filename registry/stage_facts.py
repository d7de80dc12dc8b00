"""Since when and by whom a version is where it is: the model page's words about its stages."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Max, Prefetch

from registry.models import ModelVersion, Promotion, Review, StageEvent


@dataclass(frozen=True)
class StageFact:
    """How a version came to its stage.

    :ivar how: one of `registry.stages.Move`
    :ivar promotion: the decision; an imported version has none
    :ivar approved_by: whose approvals of the evidence counted
    """

    by: str
    how: str
    promotion: Promotion | None
    approved_by: tuple[str, ...] = ()


def of(versions: Iterable[ModelVersion]) -> dict[int, StageFact]:
    """Return, by id of a version, how it came to where it is now. Two queries.

    A version that was never moved is not among them.
    """
    ids = [version.pk for version in versions]
    moves = StageEvent.objects.filter(version__in=ids).order_by().values("version")
    newest = moves.annotate(newest=Max("pk")).values("newest")
    events = StageEvent.objects.filter(pk__in=newest).select_related("promotion").defer("promotion__evidence")
    approvals = Review.objects.filter(
        verdict=Review.Verdict.APPROVE, evidence_digest=F("promotion__evidence_digest")
    )
    counted = Prefetch("promotion__reviews", approvals.order_by("at", "pk"), to_attr="counted")
    return {event.version_id: _fact(event) for event in events.prefetch_related(counted)}


def _fact(event: StageEvent) -> StageFact:
    reviews: list[Review] = getattr(event.promotion, "counted", [])
    names = tuple(dict.fromkeys(review.reviewer_name for review in reviews))
    return StageFact(event.by_name, event.how, event.promotion, names)
