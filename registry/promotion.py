"""Operations: open, review and withdraw promotions.

Every one locks the registered model's row first, so decisions about one model happen one after the other; see
`registry.promotion_locks`, and `registry.promotion_moves` for the change of stage itself.
"""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import (
    authority,
    blocking,
    checks,
    evidence,
    inspection,
    labels,
    mirror,
    notices,
    promotion_locks,
    promotion_moves,
    promotion_people,
    promotion_renewal,
    stages,
    trail_targets,
)
from registry.authority import RefusedError
from registry.conflicts import ConflictError
from registry.evidence import Collected
from registry.models import ModelVersion, Notice, Promotion, Review
from registry.policy_rules import Rules
from registry.semver import MLModelVersion

__all__ = ["COMMENT_LIMIT", "ConflictError", "open_for", "possible_targets", "review", "withdraw"]

COMMENT_LIMIT = 10_000

_PROMOTABLE = (stages.Stage.STAGING, stages.Stage.PRODUCTION)


def open_for(version: ModelVersion, to_stage: str, *, user: User, comment: str = "") -> Promotion:
    """Ask for `version` to be moved to `to_stage`, and have its artifacts looked at if nobody has.

    :param version: the candidate
    :param to_stage: Staging or Production
    :param user: the requester, who cannot approve it
    :param comment: why, for the reviewers; at most `COMMENT_LIMIT` characters
    :returns: the open promotion
    :raises PermissionDenied: `user` may not open promotions of this model
    :raises ValidationError: the move is not allowed, or such a promotion is open already
    """
    _check_comment(comment)
    target = trail_targets.of_version(version)
    with authority.deciding(user, Permission.PROMOTION_OPEN, version.model, target=target):
        version = promotion_locks.lock_version(version)
        _check_move(version, to_stage)
        found = evidence.collect(version, to_stage)
        now = timezone.now()
        promotion = Promotion.objects.create(
            version=version,
            from_stage=version.stage,
            to_stage=to_stage,
            comment=comment,
            requested_by=user,
            requested_by_name=user.username,
            opened_at=now,
            expires_at=_expiry(found.rules, now),
        )
        promotion_renewal.freeze(promotion, found, by_name=user.username, changed=[])
        people = promotion_people.reviewers(promotion, found.rules)
        notices.tell(Notice.Kind.REVIEW_WANTED, promotion, people, actor=user.username, text=comment)
        _record(Event.PROMOTION_OPENED, promotion, user, {"comment": comment, **_of_evidence(promotion)})
        checks.ensure(version, user=user)
        inspection.ensure(version, user=user)
    return promotion


def review(
    promotion: Promotion, verdict: str, *, user: User, evidence_digest: str, comment: str = ""
) -> Review:
    """Give a verdict; the last approval that is needed changes the stage in the same transaction.

    An approval is taken only while nothing stands in the way of the promotion but further approvals. A
    rejection and a request for changes are taken whatever stands in the way.

    :param verdict: one of `Review.Verdict`
    :param evidence_digest: digest of the evidence that the reviewer saw
    :param comment: required unless the verdict is an approval
    :raises PermissionDenied: `user` may not review, has asked for it, or is outside the policy's groups
    :raises ValidationError: unknown verdict, or no comment where one is needed
    :raises ConflictError: the promotion is decided already, its evidence is no longer what was seen, or
        something else stands in the way; `reasons` names it
    """
    _check_verdict(verdict, comment)
    model, target = promotion.version.model, trail_targets.of_promotion(promotion)
    with authority.deciding(user, Permission.PROMOTION_REVIEW, model, target=target):
        promotion = promotion_locks.lock_open(promotion)
        found = evidence.collect(promotion.version, promotion.to_stage)
        _refuse_who_cannot_decide(promotion, found.rules, user)
        _check_evidence(promotion, evidence_digest)
        now = timezone.now()
        if verdict == Review.Verdict.APPROVE:
            _check_approval(promotion, found, user, now)
        given = Review.objects.create(
            promotion=promotion,
            reviewer=user,
            reviewer_name=user.username,
            verdict=verdict,
            comment=comment,
            evidence_digest=evidence_digest,
            at=now,
        )
        notices.tell_requester(Notice.Kind.REVIEWED, promotion, actor=user.username, text=comment)
        data = {"verdict": verdict, "comment": comment, "evidence_digest": evidence_digest}
        _record(Event.PROMOTION_REVIEWED, promotion, user, data)
        _decide(promotion, given, found.rules, user)
    return given


def withdraw(promotion: Promotion, *, user: User) -> None:
    """Take a request back.

    :raises PermissionDenied: `user` is neither the requester nor an administrator
    :raises ConflictError: the promotion is decided already
    """
    own = promotion.requested_by_id == user.pk
    permission = Permission.VIEW if own else Permission.POLICY_EDIT
    model, target = promotion.version.model, trail_targets.of_promotion(promotion)
    with authority.deciding(user, permission, model, target=target):
        promotion = promotion_locks.lock_open(promotion)
        close(promotion, Promotion.State.WITHDRAWN, timezone.now())
        notices.tell_requester(Notice.Kind.DECIDED, promotion, actor=user.username)
        _record(Event.PROMOTION_WITHDRAWN, promotion, user, {})


def possible_targets(version: ModelVersion) -> list[str]:
    """Return the stages that `version` may be promoted to from where it is now."""
    found = stages.targets(version.stage, stages.Move.PROMOTION)
    candidate = MLModelVersion(version.version).is_prerelease
    return [stage for stage in found if not (candidate and stage == stages.Stage.PRODUCTION)]


def close(promotion: Promotion, state: str, now: datetime) -> None:
    """End a locked, open promotion in the caller's transaction, which also records it."""
    promotion.state, promotion.decided_at = state, now
    promotion.save(update_fields=["state", "decided_at"])


def _expiry(rules: Rules, now: datetime) -> datetime | None:
    return None if rules.expires_days is None else now + timedelta(days=rules.expires_days)


def _decide(promotion: Promotion, given: Review, rules: Rules, user: User) -> None:
    if given.verdict == Review.Verdict.APPROVE:
        if promotion_people.different(_approvals(promotion)) >= rules.approvals:
            _approve(promotion, given.at, user)
        return
    state, event = {
        Review.Verdict.REJECT.value: (Promotion.State.REJECTED, Event.PROMOTION_REJECTED),
        Review.Verdict.REQUEST_CHANGES.value: (
            Promotion.State.CHANGES_REQUESTED,
            Event.PROMOTION_CHANGES_REQUESTED,
        ),
    }[given.verdict]
    close(promotion, state, given.at)
    notices.tell_requester(Notice.Kind.DECIDED, promotion, actor=user.username, text=given.comment)
    _record(event, promotion, user, {"comment": given.comment})


def _approve(promotion: Promotion, now: datetime, user: User) -> None:
    close(promotion, Promotion.State.APPROVED, now)
    notices.tell_requester(Notice.Kind.DECIDED, promotion, actor=user.username)
    _record(Event.PROMOTION_APPROVED, promotion, user, _of_evidence(promotion))
    promotion_moves.put_in_place(
        promotion, stages.Move.PROMOTION, user=user, now=now, reason=promotion.comment
    )
    mirror.request(promotion.version.model, promotion=promotion, user=user)


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


def _refuse_who_cannot_decide(promotion: Promotion, rules: Rules, user: User) -> None:
    # Not what the request was begun with: names and groups may have changed since.
    fresh = User.objects.filter(pk=user.pk).first() or user
    why = promotion_people.requesters(promotion, rules).reason_against(fresh)
    if why:
        raise RefusedError(why, promotion_people.sentence_against(why))
    outside = promotion_people.outside_groups(fresh, rules)
    if outside:
        raise RefusedError("outside the groups", outside)


def _check_evidence(promotion: Promotion, evidence_digest: str) -> None:
    if evidence_digest == promotion.evidence_digest:
        return
    seen = promotion.snapshots.filter(digest=evidence_digest).order_by("-pk").first()
    if seen is None:
        raise ConflictError(_("The evidence is not the one you reviewed. Read the page again."))
    changed = evidence.changes(seen.facts, promotion.evidence)
    text = _("Since the evidence that you reviewed these facts changed: %(names)s. Read the page again.")
    raise ConflictError(text % {"names": blocking.named(changed)}, map(labels.evidence, changed))


def _check_approval(promotion: Promotion, found: Collected, user: User, now: datetime) -> None:
    waived = set(promotion.waivers.values_list("gate", flat=True))
    reasons = [reason.text for reason in blocking.reasons(promotion, found, waived, now)]
    if reasons:
        raise ConflictError(" ".join(reasons), reasons)
    if any(one.reviewer_id == user.pk for one in _approvals(promotion)):
        raise ConflictError(_("You have approved this already; somebody else has to approve it, too."))


def _approvals(promotion: Promotion) -> list[Review]:
    return list(
        promotion.reviews.filter(verdict=Review.Verdict.APPROVE, evidence_digest=promotion.evidence_digest)
    )


def _of_evidence(promotion: Promotion) -> dict[str, Any]:
    policy = promotion.evidence.get("policy")
    return {"evidence_digest": promotion.evidence_digest, "policy": policy}


def _record(event: Event, promotion: Promotion, user: User, data: dict[str, Any]) -> None:
    trail.record(event, actor=access.actor(user), target=trail_targets.of_promotion(promotion), data=data)
