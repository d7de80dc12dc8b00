"""Operations: what people decide about drift: have it repaired, or accept what MLflow says."""

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import access as roles
from accounts.models import User
from accounts.roles import Permission
from experiments.models import Job
from registry import access, drift_records, mirror
from registry.conflicts import ConflictError
from registry.drift_rules import REPAIRABLE
from registry.models import Drift, RegisteredModel

REASON_LIMIT = 2000


def repair(drift: Drift, *, user: User) -> Job:
    """Have MLflow say again what was decided here; the drift is repaired when MLflow has taken it.

    :returns: the job; asking again while it is under way returns the same
    :raises PermissionDenied: `user` may not decide about drift of this model
    :raises ConflictError: the drift is not open any more
    :raises ValidationError: MLflow offers no way to change it back
    """
    access.require_on(user, Permission.DRIFT_RESOLVE, drift.model, target=drift_records.target(drift))
    if not is_repairable(drift):
        text = _("MLflow cannot change this back. Accept it with a reason, or put it right in MLflow.")
        raise ValidationError({"drift": text})
    with transaction.atomic():
        drift = _locked_open(drift)
        return mirror.again(drift.model, user=user, drifts=[drift.pk])


def accept(drift: Drift, *, user: User, reason: str) -> Drift:
    """Leave what MLflow says as it is, until the next decision about this model. It approves nothing.

    :param reason: required, at most `REASON_LIMIT` characters
    :raises PermissionDenied: `user` may not decide about drift of this model
    :raises ConflictError: the drift is not open any more, or is being repaired
    :raises ValidationError: no reason, too long a one, or one with a zero character
    """
    access.require_on(user, Permission.DRIFT_RESOLVE, drift.model, target=drift_records.target(drift))
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why it may stay as it is.")})
    if len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": _("At most %d characters, please.") % REASON_LIMIT})
    ProhibitNullCharactersValidator()(reason)
    with transaction.atomic():
        drift = _locked_open(drift)
        if drift.pk in being_repaired(drift.model):
            raise ConflictError(_("This drift is being repaired."))
        drift_records.end(drift, Drift.State.ACCEPTED, actor=roles.actor(user), reason=reason)
    drift.refresh_from_db()
    return drift


def is_repairable(drift: Drift) -> bool:
    """Say whether the product can set it in MLflow again."""
    return drift.kind in REPAIRABLE


def being_repaired(model: RegisteredModel) -> set[int]:
    """Return the drifts of `model` that a job is going to repair. One query."""
    return {pk for job in mirror.under_way(model) for pk in job.payload.get("drifts", ())}


def _locked_open(drift: Drift) -> Drift:
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=drift.model_id)
    fresh = Drift.objects.select_related("model", "version__model").get(pk=drift.pk)
    if fresh.state != Drift.State.OPEN:
        raise ConflictError(_("This drift is not open any more."))
    return fresh
