"""Operations: put a version into place without a review, in an emergency, and look at it afterwards."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import (
    authority,
    evidence,
    labels,
    mirror,
    notices,
    promotion_locks,
    promotion_moves,
    promotion_people,
    promotion_renewal,
    trail_targets,
)
from registry.authority import RefusedError
from registry.conflicts import ConflictError
from registry.evidence import Collected
from registry.models import ModelVersion, Notice, Promotion, RegisteredModel
from registry.semver import MLModelVersion
from registry.stages import Move, Stage, allowed

REASON_LIMIT = 2000
COMMENT_LIMIT = 10_000


def bypass(version: ModelVersion, to_stage: str, *, user: User, reason: str) -> Promotion:
    """Move `version` to `to_stage` although nobody has reviewed it.

    Requests for the same version that fit no longer are withdrawn with it.

    :param to_stage: Staging or Production
    :param reason: required, at most `REASON_LIMIT` characters; shown until and after somebody looks at it
    :returns: the decision, on its way to MLflow; it waits for `follow_up`
    :raises PermissionDenied: `user` may not bypass reviews
    :raises ValidationError: no reason, or a move that even an emergency does not allow
    """
    _check_text("reason", reason, REASON_LIMIT)
    target = trail_targets.of_version(version)
    with authority.deciding(user, Permission.PROMOTION_BYPASS, version.model, target=target):
        version = promotion_locks.lock_version(version)
        _check_move(version, to_stage)
        found = evidence.collect(version, to_stage)
        now = timezone.now()
        promotion = _decided(version, to_stage, found, user, reason.strip(), now)
        _tell_and_record(promotion, found, user)
        promotion_moves.put_in_place(promotion, Move.BYPASS, user=user, now=now, reason=promotion.comment)
        _withdraw_outrun(version, user, now)
        mirror.request(version.model, promotion=promotion, user=user)
    return promotion


def follow_up(promotion: Promotion, *, user: User, comment: str) -> Promotion:
    """Note what somebody else thinks of a bypass afterwards; only then its banner goes.

    :param comment: required, at most `COMMENT_LIMIT` characters
    :raises PermissionDenied: `user` may not review this model, or it was their own bypass
    :raises ValidationError: no comment
    :raises ConflictError: it is no bypass, or somebody has looked at it already
    """
    _check_text("comment", comment, COMMENT_LIMIT)
    model, target = promotion.version.model, trail_targets.of_promotion(promotion)
    with authority.deciding(user, Permission.PROMOTION_REVIEW, model, target=target):
        promotion = promotion_locks.lock_promotion(promotion)
        if promotion.kind != Promotion.Kind.BYPASS or promotion.followed_up_at is not None:
            raise ConflictError(_("There is no bypass here that waits to be looked at."))
        _refuse_own(promotion, user)
        promotion.followed_up_at = timezone.now()
        promotion.followed_up_by = user.username
        promotion.follow_up = comment.strip()
        promotion.save(update_fields=["followed_up_at", "followed_up_by", "follow_up"])
        notices.tell_requester(Notice.Kind.REVIEWED, promotion, actor=user.username, text=comment)
        data = {"comment": promotion.follow_up}
        trail.record(Event.PROMOTION_FOLLOWED_UP, actor=access.actor(user), target=target, data=data)
    return promotion


def unreviewed(model: RegisteredModel | None = None) -> QuerySet[Promotion]:
    """Return the bypasses that nobody else has looked at, of `model` or of all, the oldest first."""
    waiting = Promotion.objects.filter(kind=Promotion.Kind.BYPASS, followed_up_at__isnull=True)
    if model is not None:
        waiting = waiting.filter(version__model=model)
    return waiting.select_related("version__model", "incumbent").defer("evidence").order_by("pk")


def possible_targets(version: ModelVersion) -> list[str]:
    """Return the stages that `version` can be brought to by a bypass."""
    candidate = MLModelVersion(version.version).is_prerelease
    stages = [stage for stage in Stage if allowed(version.stage, stage, Move.BYPASS)]
    return [stage for stage in stages if not (candidate and stage == Stage.PRODUCTION)]


def _check_text(field: str, text: str, limit: int) -> None:
    if not text.strip():
        raise ValidationError({field: _("Say why; everybody who asks later gets to read it.")})
    if len(text) > limit:
        raise ValidationError({field: _("At most %(limit)d characters, please.") % {"limit": limit}})


def _check_move(version: ModelVersion, to_stage: str) -> None:
    if to_stage in possible_targets(version):
        return
    if to_stage == Stage.PRODUCTION and MLModelVersion(version.version).is_prerelease:
        raise ValidationError({"to": _("A release candidate cannot go to Production; finalise it first.")})
    words = {"from": labels.stage(version.stage), "to": labels.stage(to_stage)}
    raise ValidationError({"to": _("A version cannot be moved from %(from)s to %(to)s.") % words})


def _decided(
    version: ModelVersion, to_stage: str, found: Collected, user: User, reason: str, now: datetime
) -> Promotion:
    """Create the decision, which is approved as it comes into being."""
    promotion = Promotion.objects.create(
        version=version,
        from_stage=version.stage,
        to_stage=to_stage,
        kind=Promotion.Kind.BYPASS,
        state=Promotion.State.APPROVED,
        comment=reason,
        requested_by=user,
        requested_by_name=user.username,
        opened_at=now,
        decided_at=now,
    )
    promotion_renewal.freeze(promotion, found, by_name=user.username, changed=[])
    return promotion


def _tell_and_record(promotion: Promotion, found: Collected, user: User) -> None:
    people = promotion_people.who_may(Permission.PROMOTION_REVIEW, promotion.version.model)
    notices.tell(Notice.Kind.BYPASSED, promotion, people, actor=user.username, text=promotion.comment)
    data: dict[str, Any] = {
        "reason": promotion.comment,
        "evidence_digest": promotion.evidence_digest,
        # What the review would have been stopped by.
        "gates": [one.gate for one in found.judged if one.blocks],
    }
    target = trail_targets.of_promotion(promotion)
    trail.record(Event.PROMOTION_BYPASSED, actor=access.actor(user), target=target, data=data)


def _withdraw_outrun(version: ModelVersion, user: User, now: datetime) -> None:
    waiting = version.promotions.filter(state=Promotion.State.OPEN).exclude(from_stage=version.stage)
    for promotion in waiting.select_related("version__model"):
        promotion.state, promotion.decided_at = Promotion.State.WITHDRAWN, now
        promotion.save(update_fields=["state", "decided_at"])
        notices.tell_requester(Notice.Kind.DECIDED, promotion, actor=user.username)
        trail.record(
            Event.PROMOTION_WITHDRAWN,
            actor=access.actor(user),
            target=trail_targets.of_promotion(promotion),
            data={"why": "bypass"},
        )


def _refuse_own(promotion: Promotion, user: User) -> None:
    own = promotion.requested_by_id == user.pk
    if own or promotion.requested_by_name.casefold() == user.username.casefold():
        raise RefusedError("requester", _("Somebody else has to look at this bypass."))
