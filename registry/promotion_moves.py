"""Changes of a version's stage. The sole writer of `ModelVersion.stage`.

The caller holds the lock of the registered model's row (see `registry.promotion_locks`) and the transaction.
The database constraint "one Production version per model" holds whatever else goes wrong.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from audit import trail
from audit.events import Event
from registry import trail_targets
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Promotion, RegisteredModel, StageEvent
from registry.stages import Move, Stage, allowed


def move(
    version: ModelVersion,
    to_stage: str,
    how: str,
    *,
    promotion: Promotion | None,
    actor_name: str,
    actor: trail.Actor,
    now: datetime,
    reason: str,
) -> StageEvent:
    """Change the stage of `version` by conditional UPDATE, with its event and audit entry.

    :param to_stage: value of a `Stage`
    :param how: value of a `Move`; the table of `registry.stages` says which are possible
    :param promotion: the decision that it belongs to, if there is one
    :param actor_name: whose doing it is, as the stage event names them
    :param actor: the same person as the trail names them
    :param now: the instant of the decision, the same for all that it moves
    :param reason: in their words
    :raises ConflictError: the version is not where it was when it was read, or has no such way
    """
    from_stage = version.stage
    if not allowed(from_stage, to_stage, how):
        raise ConflictError(_("The stage of %(version)s has changed meanwhile.") % {"version": version})
    moved = ModelVersion.objects.filter(pk=version.pk, stage=from_stage).update(
        stage=to_stage, stage_since=now
    )
    if not moved:
        raise ConflictError(_("The stage of %(version)s has changed meanwhile.") % {"version": version})
    version.stage, version.stage_since = to_stage, now
    event = StageEvent.objects.create(
        version=version,
        from_stage=from_stage,
        to_stage=to_stage,
        at=now,
        by_name=actor_name,
        reason=reason,
        how=how,
        promotion=promotion,
    )
    # The reason of a decision stands in the entry that tells of the decision.
    origin = {"promotion": promotion.pk} if promotion else {"promotion": None, "reason": reason}
    trail.record(
        Event.VERSION_STAGE_CHANGED,
        actor=actor,
        target=trail_targets.of_version(version),
        data={"from": from_stage, "to": to_stage, "how": str(how), **origin},
    )
    return event


def put_in_place(
    promotion: Promotion, how: str, *, user: User, now: datetime, reason: str, replaced: str = ""
) -> ModelVersion | None:
    """Move the version of `promotion` to its stage, and archive the one that has to give way.

    :param how: why the version moves
    :param user: whose decision it is
    :param replaced: why the other one is archived; by default that it was replaced
    :returns: the version that gave way
    :raises ConflictError: see `move`
    """
    version = promotion.version
    incumbent = holder(version.model, promotion.to_stage)
    actor = access.actor(user)
    if incumbent is not None and incumbent.pk != version.pk:
        text = replaced or f"Replaced by {version.version}."
        move(
            incumbent,
            Stage.ARCHIVED,
            Move.REPLACEMENT,
            promotion=promotion,
            actor_name=user.username,
            actor=actor,
            now=now,
            reason=text,
        )
    move(
        version,
        promotion.to_stage,
        how,
        promotion=promotion,
        actor_name=user.username,
        actor=actor,
        now=now,
        reason=reason,
    )
    return incumbent


def holder(model: RegisteredModel, stage: str) -> ModelVersion | None:
    """Return the version that has to give way in `stage`: only Production holds one at a time."""
    if stage != Stage.PRODUCTION:
        return None
    return model.versions.filter(stage=stage).select_related("model").first()
