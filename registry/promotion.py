"""Promotions: open, review, withdraw. The sole writer of `ModelVersion.stage`.

Every operation locks the registered model's row first, so decisions about one model happen one after the
other; the database constraint "one Production version per model" holds whatever else goes wrong.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import evidence, labels, mirror, stages, trail_targets
from registry.models import ModelVersion, Promotion, RegisteredModel, Review, StageEvent
from registry.semver import MLModelVersion

# Approvals by different people, none of them the requester, before the stage changes.
APPROVALS_NEEDED = 1
COMMENT_LIMIT = 10_000

_PROMOTABLE = (stages.Stage.STAGING, stages.Stage.PRODUCTION)


class ConflictError(Exception):
    """What was asked no longer fits what is stored; the message says what changed."""


def open_for(version: ModelVersion, to_stage: str, *, user: User, comment: str = "") -> Promotion:
    """Ask for `version` to be moved to `to_stage`.

    :param version: the candidate
    :param to_stage: Staging or Production
    :param user: the requester, who cannot approve it
    :param comment: why, for the reviewers; at most `COMMENT_LIMIT` characters
    :returns: the open promotion
    :raises PermissionDenied: `user` may not open promotions
    :raises ValidationError: the move is not allowed, or such a promotion is open already
    """
    access.require(user, Permission.PROMOTION_OPEN, target=trail_targets.of_version(version))
    _check_comment(comment)
    with transaction.atomic():
        version = _locked(version)
        _check_move(version, to_stage)
        incumbent = _holder(version.model, to_stage)
        facts = evidence.snapshot(version, incumbent)
        promotion = Promotion.objects.create(
            version=version,
            from_stage=version.stage,
            to_stage=to_stage,
            comment=comment,
            requested_by=user,
            requested_by_name=user.username,
            opened_at=timezone.now(),
            incumbent=incumbent,
            evidence=facts,
            evidence_digest=evidence.digest(facts),
        )
        _record(Event.PROMOTION_OPENED, promotion, user, {"comment": comment})
    return promotion


def review(
    promotion: Promotion, verdict: str, *, user: User, evidence_digest: str, comment: str = ""
) -> Review:
    """Give a verdict; the last approval that is needed changes the stage in the same transaction.

    :param verdict: one of `Review.Verdict`
    :param evidence_digest: digest of the evidence that the reviewer saw
    :param comment: required unless the verdict is an approval
    :raises PermissionDenied: `user` may not review, or is the requester
    :raises ValidationError: unknown verdict, or no comment where one is needed
    :raises ConflictError: the promotion is decided already, or its evidence is no longer what was seen
    """
    access.require(user, Permission.PROMOTION_REVIEW, target=trail_targets.of_promotion(promotion))
    _check_verdict(verdict, comment)
    _refuse_requester(promotion, user)
    with transaction.atomic():
        promotion = _locked_open(promotion)
        _check_evidence(promotion, evidence_digest)
        given = Review.objects.create(
            promotion=promotion,
            reviewer=user,
            reviewer_name=user.username,
            verdict=verdict,
            comment=comment,
            evidence_digest=evidence_digest,
            at=timezone.now(),
        )
        data = {"verdict": verdict, "comment": comment, "evidence_digest": evidence_digest}
        _record(Event.PROMOTION_REVIEWED, promotion, user, data)
        _decide(promotion, given, user)
    return given


def withdraw(promotion: Promotion, *, user: User) -> None:
    """Take a request back.

    :raises PermissionDenied: `user` is neither the requester nor an administrator
    :raises ConflictError: the promotion is decided already
    """
    if promotion.requested_by_id != user.pk:
        access.require(user, Permission.POLICY_EDIT, target=trail_targets.of_promotion(promotion))
    with transaction.atomic():
        promotion = _locked_open(promotion)
        _close(promotion, Promotion.State.WITHDRAWN, timezone.now())
        _record(Event.PROMOTION_WITHDRAWN, promotion, user, {})


def possible_targets(version: ModelVersion) -> list[str]:
    """Return the stages that `version` may be promoted to from where it is now."""
    found = stages.targets(version.stage, stages.Move.PROMOTION)
    candidate = MLModelVersion(version.version).is_prerelease
    return [stage for stage in found if not (candidate and stage == stages.Stage.PRODUCTION)]


def staleness(promotion: Promotion) -> list[str]:
    """Return the names of the facts that changed since the promotion was opened."""
    version = promotion.version
    current = evidence.snapshot(version, _holder(version.model, promotion.to_stage))
    return evidence.changes(promotion.evidence, current)


def _decide(promotion: Promotion, given: Review, user: User) -> None:
    if given.verdict == Review.Verdict.APPROVE:
        if _approvals(promotion) >= APPROVALS_NEEDED:
            _approve(promotion, user)
        return
    state, event = {
        Review.Verdict.REJECT.value: (Promotion.State.REJECTED, Event.PROMOTION_REJECTED),
        Review.Verdict.REQUEST_CHANGES.value: (
            Promotion.State.CHANGES_REQUESTED,
            Event.PROMOTION_CHANGES_REQUESTED,
        ),
    }[given.verdict]
    _close(promotion, state, given.at)
    _record(event, promotion, user, {"comment": given.comment})


def _approve(promotion: Promotion, user: User) -> None:
    now = timezone.now()
    _close(promotion, Promotion.State.APPROVED, now)
    _record(Event.PROMOTION_APPROVED, promotion, user, {"evidence_digest": promotion.evidence_digest})
    version = promotion.version
    incumbent = _holder(version.model, promotion.to_stage)
    if incumbent is not None:
        reason = f"Replaced by {version.version}."
        _move(incumbent, stages.Stage.ARCHIVED, promotion, user, now, reason)
    _move(version, promotion.to_stage, promotion, user, now, promotion.comment)
    mirror.request(version.model, promotion=promotion, user=user)


def _move(
    version: ModelVersion, to_stage: str, promotion: Promotion, user: User, now: datetime, reason: str
) -> None:
    """Change the stage by conditional UPDATE, with its event and audit entry."""
    from_stage = version.stage
    moved = ModelVersion.objects.filter(pk=version.pk, stage=from_stage).update(
        stage=to_stage, stage_since=now
    )
    if not moved:
        raise ConflictError(_("The stage of %(version)s has changed meanwhile.") % {"version": version})
    version.stage = to_stage
    StageEvent.objects.create(
        version=version,
        from_stage=from_stage,
        to_stage=to_stage,
        at=now,
        by_name=user.username,
        reason=reason,
        promotion=promotion,
    )
    trail.record(
        Event.VERSION_STAGE_CHANGED,
        actor=access.actor(user),
        target=trail_targets.of_version(version),
        data={"from": from_stage, "to": to_stage, "promotion": promotion.pk},
    )


def _check_move(version: ModelVersion, to_stage: str) -> None:
    if to_stage not in _PROMOTABLE or not stages.allowed(version.stage, to_stage, stages.Move.PROMOTION):
        raise ValidationError(
            {
                "to": _("A version cannot be promoted from %(from)s to %(to)s.")
                % {"from": labels.stage(version.stage), "to": labels.stage(to_stage)}
            }
        )
    if to_stage == stages.Stage.PRODUCTION and MLModelVersion(version.version).is_prerelease:
        raise ValidationError({"to": _("A release candidate cannot go to Production; finalise it first.")})
    if Promotion.objects.filter(version=version, to_stage=to_stage, state=Promotion.State.OPEN).exists():
        raise ValidationError({"to": _("There is an open promotion of this version to this stage already.")})


def _check_comment(comment: str) -> None:
    if len(comment) > COMMENT_LIMIT:
        raise ValidationError(
            {"comment": _("At most %(limit)d characters, please.") % {"limit": COMMENT_LIMIT}}
        )


def _check_verdict(verdict: str, comment: str) -> None:
    _check_comment(comment)
    if verdict not in Review.Verdict.values:
        raise ValidationError({"verdict": _("Choose approve, request_changes or reject.")})
    if verdict != Review.Verdict.APPROVE and not comment.strip():
        raise ValidationError({"comment": _("Say why, so that the requester can act on it.")})


def _refuse_requester(promotion: Promotion, user: User) -> None:
    if promotion.requested_by_id != user.pk:
        return
    with transaction.atomic():
        trail.record(
            Event.PERMISSION_DENIED,
            actor=access.actor(user),
            target=trail_targets.of_promotion(promotion),
            data={"permission": Permission.PROMOTION_REVIEW, "why": "requester"},
        )
    raise PermissionDenied(_("Nobody reviews their own request. Another reviewer has to decide."))


def _check_evidence(promotion: Promotion, evidence_digest: str) -> None:
    if evidence_digest != promotion.evidence_digest:
        raise ConflictError(_("The evidence is not the one you reviewed. Read the page again."))
    changed = staleness(promotion)
    if changed:
        raise ConflictError(
            _("Since the request was opened these facts changed: %(names)s. Open a new request.")
            % {"names": ", ".join(map(labels.evidence, changed))}
        )


def _approvals(promotion: Promotion) -> int:
    approvals = promotion.reviews.filter(
        verdict=Review.Verdict.APPROVE, evidence_digest=promotion.evidence_digest
    )
    return approvals.values("reviewer").distinct().count()


def _close(promotion: Promotion, state: str, now: datetime) -> None:
    promotion.state, promotion.decided_at = state, now
    promotion.save(update_fields=["state", "decided_at"])


def _holder(model: RegisteredModel, stage: str) -> ModelVersion | None:
    """Return the version that has to give way in `stage`: only Production holds one at a time."""
    if stage != stages.Stage.PRODUCTION:
        return None
    return model.versions.filter(stage=stage).first()


def _locked(version: ModelVersion) -> ModelVersion:
    RegisteredModel.objects.select_for_update().get(pk=version.model_id)
    return ModelVersion.objects.select_related("model").get(pk=version.pk)


def _locked_open(promotion: Promotion) -> Promotion:
    _locked(promotion.version)
    fresh = Promotion.objects.select_related("version__model").get(pk=promotion.pk)
    if fresh.state != Promotion.State.OPEN:
        state = labels.promotion_state(fresh.state).lower()
        raise ConflictError(_("This promotion is decided already: %(state)s.") % {"state": state})
    return fresh


def _record(event: Event, promotion: Promotion, user: User, data: dict[str, Any]) -> None:
    trail.record(event, actor=access.actor(user), target=trail_targets.of_promotion(promotion), data=data)
