"""Operation: let a promotion pass although one of its gates does not.

A waiver is a decision and no evidence: it is not in the digest, so what was approved stays approved. It holds
for its promotion only, whatever the gate says later, and cannot be taken back; whoever approves sees it,
since nobody can approve before it while the gate blocks. It is kept, shown and in the trail for ever.
"""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import authority, evidence, labels, promotion_locks, promotion_people, trail_targets
from registry.authority import RefusedError
from registry.conflicts import ConflictError
from registry.evidence import Collected
from registry.gates.gate import Judged
from registry.models import Promotion, Waiver

REASON_LIMIT = 2000


def waive(promotion: Promotion, gate: str, *, user: User, reason: str) -> Waiver:
    """Let `promotion` pass a required gate that does not pass.

    :param gate: name of the gate
    :param reason: required, at most `REASON_LIMIT` characters; shown for ever
    :raises PermissionDenied: `user` may not waive gates, or asked for this promotion
    :raises ValidationError: no reason, or the gate does not block this promotion
    :raises ConflictError: the promotion is decided already, or the gate is waived already
    """
    _check_reason(reason)
    model, target = promotion.version.model, trail_targets.of_promotion(promotion)
    with authority.deciding(user, Permission.GATE_WAIVE, model, target=target):
        promotion = promotion_locks.lock_open(promotion)
        found = evidence.collect(promotion.version, promotion.to_stage)
        _refuse_requester(promotion, found, user)
        judged = _blocking(found, gate)
        waiver = _create(promotion, gate, user, reason.strip())
        trail.record(
            Event.GATE_WAIVED,
            actor=access.actor(user),
            target=target,
            data={
                "gate": gate,
                "reason": waiver.reason,
                "status": judged.result.status,
                "said": judged.result.reason,
                "evidence_digest": promotion.evidence_digest,
            },
        )
    return waiver


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why; it is shown with the promotion for ever.")})
    if len(reason) > REASON_LIMIT:
        raise ValidationError(
            {"reason": _("At most %(limit)d characters, please.") % {"limit": REASON_LIMIT}}
        )


def _refuse_requester(promotion: Promotion, found: Collected, user: User) -> None:
    why = promotion_people.requesters(promotion, found.rules).reason_against(user)
    if why:
        raise RefusedError(why, _("Nobody waives a gate of their own request. Another administrator has to."))


def _blocking(found: Collected, gate: str) -> Judged:
    for judged in found.judged:
        if judged.gate == gate:
            if judged.blocks:
                return judged
            raise ValidationError({"gate": _("This gate does not stand in the way.")})
    raise ValidationError({"gate": _("The policy of this promotion has no such gate.")})


def _create(promotion: Promotion, gate: str, user: User, reason: str) -> Waiver:
    try:
        with transaction.atomic():
            return Waiver.objects.create(
                promotion=promotion,
                gate=gate,
                reason=reason,
                by=user,
                by_name=user.username,
                at=timezone.now(),
            )
    except IntegrityError as error:
        raise ConflictError(_("%(gate)s is waived already.") % {"gate": labels.gate(gate)}) from error
