"""Operation: a version that served before serves again, at once, on one person's decision."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Max, Q, QuerySet
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
    mirror,
    notices,
    promotion_locks,
    promotion_moves,
    promotion_people,
    promotion_renewal,
    trail_targets,
)
from registry.conflicts import ConflictError
from registry.models import CheckResult, ModelVersion, Notice, Promotion, RegisteredModel, StageEvent
from registry.stages import Move, Stage

REASON_LIMIT = 2000


def candidates(model: RegisteredModel) -> list[ModelVersion]:
    """Return the versions that Production can be rolled back to, the previous good one first. Four queries.

    These are archived versions that came to Production by approval (or by a bypass that somebody looked at
    afterwards) and whose artifacts nobody found changed. A version that was itself rolled back from comes
    after those that were not. What was found in MLflow was never approved here, so it is not among them.
    """
    order = _arrivals(model)
    versions = {version.pk: version for version in _archived(model, order)}
    changed = _changed(versions.values())
    failed = _rolled_back_from(model)
    usable = [pk for pk in order if pk in versions and pk not in changed]
    return [versions[pk] for pk in sorted(usable, key=lambda pk: pk in failed)]


def roll_back(
    model: RegisteredModel, to_version: ModelVersion, *, user: User, reason: str, serving: str | None = None
) -> Promotion:
    """Put `to_version` back into Production and archive what is there.

    No gate is asked but for the bytes: the newest look at the artifacts counts here, and the job that writes
    to MLflow hashes them once more.

    :param reason: required, at most `REASON_LIMIT` characters
    :param serving: the version that `user` saw in Production ("" for none); None: whatever is there
    :returns: the decision, on its way to MLflow
    :raises PermissionDenied: `user` may not roll back this model
    :raises ValidationError: no reason, or a version that was never approved for Production or has changed
    :raises ConflictError: it is in Production already, or something else than `serving` is
    """
    _check_reason(reason)
    if to_version.model_id != model.pk:
        raise ValidationError({"to_version": _("This is a version of another model.")})
    target = trail_targets.of_version(to_version)
    with authority.deciding(user, Permission.PROMOTION_ROLLBACK, model, target=target):
        to_version = promotion_locks.lock_version(to_version)
        incumbent = promotion_moves.holder(model, Stage.PRODUCTION)
        _check_serving(incumbent, to_version, serving)
        _check_candidate(model, to_version)
        promotion = _decided(to_version, user, reason.strip())
        _tell(promotion, incumbent, user)
        trail.record(
            Event.PRODUCTION_ROLLED_BACK,
            actor=access.actor(user),
            target=trail_targets.of_promotion(promotion),
            data={
                "from": incumbent.version if incumbent else None,
                "to": to_version.version,
                "reason": promotion.comment,
                "evidence_digest": promotion.evidence_digest,
            },
        )
        promotion_moves.put_in_place(
            promotion,
            Move.ROLLBACK,
            user=user,
            now=promotion.opened_at,
            reason=promotion.comment,
            replaced=f"Rolled back to {to_version.version}.",
        )
        mirror.request(model, promotion=promotion, user=user)
    return promotion


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why; everybody who asks later gets to read it.")})
    if len(reason) > REASON_LIMIT:
        raise ValidationError(
            {"reason": _("At most %(limit)d characters, please.") % {"limit": REASON_LIMIT}}
        )


def _check_serving(incumbent: ModelVersion | None, to_version: ModelVersion, serving: str | None) -> None:
    now = incumbent.version if incumbent else ""
    if now == to_version.version:
        raise ConflictError(_("%(version)s is in Production already.") % {"version": to_version.version})
    if serving is not None and serving != now:
        text = _("Meanwhile %(version)s is in Production. Look again before you roll back.")
        raise ConflictError(text % {"version": now or _("nothing")})


def _check_candidate(model: RegisteredModel, to_version: ModelVersion) -> None:
    if to_version in candidates(model):
        return
    if _changed([to_version]):
        text = _("The artifacts of %(version)s are not those that were registered.")
    else:
        text = _("%(version)s was never approved for Production, or is not archived.")
    raise ValidationError({"to_version": text % {"version": to_version.version}})


def _decided(version: ModelVersion, user: User, reason: str) -> Promotion:
    """Create the decision, which is approved as it comes into being."""
    found = evidence.collect(version, Stage.PRODUCTION)
    now = timezone.now()
    promotion = Promotion.objects.create(
        version=version,
        from_stage=version.stage,
        to_stage=Stage.PRODUCTION,
        kind=Promotion.Kind.ROLLBACK,
        state=Promotion.State.APPROVED,
        comment=reason,
        requested_by=user,
        requested_by_name=user.username,
        opened_at=now,
        decided_at=now,
    )
    promotion_renewal.freeze(promotion, found, by_name=user.username, changed=[])
    return promotion


def _tell(promotion: Promotion, incumbent: ModelVersion | None, user: User) -> None:
    people = promotion_people.who_may(Permission.PROMOTION_ROLLBACK, promotion.version.model)
    if incumbent is not None:
        asked = incumbent.promotions.filter(to_stage=Stage.PRODUCTION).values("requested_by")
        people += User.objects.filter(pk__in=asked)
    notices.tell(Notice.Kind.ROLLED_BACK, promotion, people, actor=user.username, text=promotion.comment)


def _arrivals(model: RegisteredModel) -> list[int]:
    """Return the versions that came to Production by approval, the last one first."""
    approved = Q(how__in=[Move.PROMOTION, Move.ROLLBACK])
    approved |= Q(how=Move.BYPASS, promotion__followed_up_at__isnull=False)
    events = StageEvent.objects.filter(approved, version__model=model, to_stage=Stage.PRODUCTION)
    # What MLflow could not be brought to serve did not serve.
    events = events.exclude(promotion__state=Promotion.State.APPROVED, promotion__problem__gt="")
    return list(dict.fromkeys(events.order_by("-at", "-pk").values_list("version", flat=True)))


def _archived(model: RegisteredModel, versions: Iterable[int]) -> QuerySet[ModelVersion]:
    found = ModelVersion.objects.filter(model=model, stage=Stage.ARCHIVED, pk__in=versions)
    return found.select_related("model").defer("manifest", "facts")


def _rolled_back_from(model: RegisteredModel) -> set[int]:
    """Return the versions whose last departure from Production was a rollback."""
    leaving = StageEvent.objects.filter(version__model=model, from_stage=Stage.PRODUCTION)
    last = leaving.order_by().values("version").annotate(last=Max("pk")).values("last")
    back = StageEvent.objects.filter(pk__in=last, promotion__kind=Promotion.Kind.ROLLBACK)
    return set(back.values_list("version", flat=True))


def _changed(versions: Iterable[ModelVersion]) -> set[int]:
    """Return which of `versions` have other artifacts than were registered, as far as anybody has looked."""
    digests = {version.pk: version.manifest_digest for version in versions}
    looks = CheckResult.objects.filter(version__in=digests, kind=CheckResult.Kind.ARTIFACTS)
    found = looks.order_by("pk").values_list("version", "manifest_digest", "passed")
    newest = {version: passed for version, digest, passed in found if digest == digests[version]}
    return {version for version, passed in newest.items() if not passed}
