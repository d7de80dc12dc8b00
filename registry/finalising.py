"""Operation: make a release candidate final, `1.3.0-rc2` -> `1.3.0`, on the same artifacts.

The final version starts where its candidate is if a review brought the candidate to Staging: what was
approved there are these bytes and these facts, only the name is new, and nothing is served that was not
served before. It starts in Development wherever that does not hold: the candidate is in Development itself,
was brought to Staging past the review, or found there in MLflow. For Production it needs a request of its own
in any case, with its own evidence, and the time that a policy wants it to have been in Staging begins anew.
"""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from experiments.models import Job
from registry import access, bump, labels, registration, trail_targets
from registry.bump import Bump, VersionFacts
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Promotion, StageEvent
from registry.registration_proposal import maker_of
from registry.semver import MLModelVersion
from registry.stages import Move, Stage


def finalise(version: ModelVersion, *, user: User, reason: str = "") -> Job | ModelVersion:
    """Queue that the release candidate `version` becomes final.

    :param reason: needed only if what changed since the release before asks for more than the candidate's
        number says, and nobody said why when it was registered
    :returns: the job, the same for whoever asks again; the final version if it was made from it already
    :raises PermissionDenied: `user` may not register versions of this model
    :raises ValidationError: by field: it is final or archived, its artifacts were never hashed, or a reason
        is missing
    :raises ConflictError: the final version exists and was made of something else, or is being made of it
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.VERSION_REGISTER, version.model, target=target)
    final = str(final_of(version))
    existing = ModelVersion.objects.filter(model=version.model_id, version=final).first()
    if existing is not None and existing.finalises_id == version.pk:
        return existing
    problem = refusal(version, existing)
    if problem:
        raise (
            ConflictError(problem)
            if existing not in (None, version)
            else ValidationError({"version": problem})
        )
    key = _key(version, final)
    other = maker_of(version.model.name, MLModelVersion(final))
    if other is not None and other.key != key:
        text = _("Job #%(id)s of %(name)s is making %(version)s of something else.")
        raise ConflictError(text % {"id": other.pk, "name": other.submitted_by_name, "version": final})
    return registration.queued("finalise", _payload(version, final, reason), user=user, key=key)


def final_of(version: ModelVersion) -> MLModelVersion:
    """Return the release of a candidate."""
    return MLModelVersion(version.version).finalize()


def refusal(version: ModelVersion, existing: ModelVersion | None) -> str:
    """Return why `version` cannot become final; empty if it can.

    :param existing: the version that has the final number, if there is one
    """
    if not MLModelVersion(version.version).is_prerelease:
        return _("%(version)s is final already.") % {"version": version}
    if existing is not None:
        text = _("%(version)s exists already and was not made from this candidate.")
        return text % {"version": existing}
    if version.stage == Stage.ARCHIVED:
        return _("An archived candidate does not become final.")
    if not version.manifest_digest:
        return _(
            "The artifacts of this candidate were never hashed, so nobody can tell whether they changed."
        )
    return ""


def approval_in_staging(version: ModelVersion) -> Promotion | None:
    """Return the request whose approval brought `version` to Staging, where it still is; else None.

    One query for a version in Staging.
    """
    if version.stage != Stage.STAGING:
        return None
    arrivals = StageEvent.objects.filter(version=version, to_stage=Stage.STAGING).select_related("promotion")
    event = arrivals.order_by("-at", "-pk").first()
    if event is None or event.how != Move.PROMOTION or event.promotion is None:
        return None
    return event.promotion if event.promotion.kind == Promotion.Kind.REQUEST else None


def needs_reason(version: ModelVersion) -> bool:
    """Say whether the final number of `version` moves less far than needed, and nobody said why."""
    required, actual, _reasons = _bump(version, final_of(version))
    return _is_short(required, actual) and not version.reason


def _is_short(required: str, actual: str) -> bool:
    return bool(required) and (not actual or Bump.parse(actual) < Bump.parse(required))


def _payload(version: ModelVersion, final: str, reason: str) -> dict[str, Any]:
    required, actual, reasons = _bump(version, MLModelVersion(final))
    reason = reason.strip() or version.reason
    if len(reason) > registration.REASON_LIMIT:
        raise ValidationError({"reason": _("At most %d characters, please.") % registration.REASON_LIMIT})
    if _is_short(required, actual) and not reason:
        text = _("%(version)s moves less far than the changes ask for (%(required)s). Say why.")
        raise ValidationError({"reason": text % {"version": final, "required": labels.bump(required)}})
    return {
        "run_id": version.run_id,
        "model": version.model.name,
        "version": final,
        "candidate": version.version,
        "manifest_digest": version.manifest_digest,
        "bump": actual,
        "required_bump": required,
        "reasons": reasons,
        "reason": reason,
        "facts": version.facts,
        "lineage": version.lineage,
    }


def _bump(version: ModelVersion, final: MLModelVersion) -> tuple[str, str, list[str]]:
    """Return required and actual bump with the reasons, against the highest release below the final one.

    Releases may have come since the candidate was registered.
    """
    rows = ModelVersion.objects.filter(model=version.model_id).only("version", "facts")
    releases = {MLModelVersion(row.version): row for row in rows}
    previous = bump.baseline(one for one in releases if one < final)
    if previous is None:
        return "", "", list(version.bump_reasons)
    before = VersionFacts(**releases[previous].facts)
    found = bump.required(before, VersionFacts(**version.facts))
    actual = bump.bump_between(previous, final)
    return found.bump.word, actual.word if actual else "", list(found.reasons)


def _key(version: ModelVersion, final: str) -> str:
    identity = "\n".join((version.model.name, version.version, final, version.manifest_digest))
    return f"finalise:{hashlib.sha256(identity.encode()).hexdigest()}"
