"""Operations: freeze the evidence of an open promotion anew. Approvals of the older evidence become stale."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import authority, evidence, notices, promotion_locks, trail_targets
from registry.conflicts import ConflictError
from registry.evidence import Collected
from registry.models import Evidence, ModelVersion, Notice, Promotion, Review


def renew(promotion: Promotion, *, user: User) -> Promotion:
    """Freeze what is true now, so that it can be reviewed.

    :returns: the promotion with its new evidence
    :raises PermissionDenied: `user` may not open promotions of this model
    :raises ConflictError: the promotion is decided already, or nothing has changed
    """
    model = promotion.version.model
    target = trail_targets.of_promotion(promotion)
    with authority.deciding(user, Permission.PROMOTION_OPEN, model, target=target):
        promotion = promotion_locks.lock_open(promotion)
        if not _refresh(promotion, actor=access.actor(user), by_name=user.username, cause=""):
            raise ConflictError(_("Nothing has changed: the evidence is up to date."))
    return promotion


def by_system(version: ModelVersion, cause: str) -> list[Promotion]:
    """Take what was found out about `version` into the evidence of its open promotions.

    Runs in the caller's transaction, which should lock the model before it writes to the trail.

    :param cause: one English sentence for the trail
    :returns: the promotions whose evidence changed
    """
    promotion_locks.lock_model(version.model)
    waiting = Promotion.objects.filter(version=version, state=Promotion.State.OPEN)
    rows = waiting.select_related("version__model", "incumbent").order_by("pk")
    return [
        promotion
        for promotion in rows
        if _refresh(promotion, actor=trail.SYSTEM, by_name=trail.SYSTEM.name, cause=cause)
    ]


def freeze(promotion: Promotion, found: Collected, *, by_name: str, changed: list[str]) -> None:
    """Keep `found` as the evidence of `promotion`, beside what was kept before."""
    promotion.evidence = found.snapshot
    promotion.evidence_digest = found.digest
    promotion.incumbent = found.incumbent
    promotion.policy = found.policy
    promotion.save(update_fields=["evidence", "evidence_digest", "incumbent", "policy"])
    Evidence.objects.create(
        promotion=promotion,
        digest=promotion.evidence_digest,
        facts=found.snapshot,
        at=timezone.now(),
        by_name=by_name,
        changed=changed,
    )


def _refresh(promotion: Promotion, *, actor: trail.Actor, by_name: str, cause: str) -> bool:
    found = evidence.collect(promotion.version, promotion.to_stage)
    before = promotion.evidence_digest
    if found.digest == before:
        return False
    changed = evidence.changes(promotion.evidence, found.snapshot)
    outdated = promotion.reviews.filter(verdict=Review.Verdict.APPROVE, evidence_digest=before)
    people = [review.reviewer for review in outdated.select_related("reviewer") if review.reviewer]
    freeze(promotion, found, by_name=by_name, changed=changed)
    notices.tell(Notice.Kind.EVIDENCE_CHANGED, promotion, people, actor=actor.name, text=", ".join(changed))
    trail.record(
        Event.PROMOTION_EVIDENCE_RENEWED,
        actor=actor,
        target=trail_targets.of_promotion(promotion),
        data={"changed": changed, "before": before, "after": promotion.evidence_digest, "cause": cause},
    )
    return True
