"""Operations: the policies that promotions follow. Append-only: every change is a new number."""

from dataclasses import replace

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import sentences
from registry import gates
from registry.gates.options import SettingsError
from registry.models import Policy, RegisteredModel
from registry.policy_rules import DEFAULTS, PolicyError, Rules
from registry.stages import Stage

REASON_LIMIT = 2000


def current(model: RegisteredModel, to_stage: str) -> Policy | None:
    """Return the policy that holds for `model`: its own, else the installation's, else None (`DEFAULTS`)."""
    found = Policy.objects.filter(to_stage=to_stage)
    return found.filter(model=model).first() or found.filter(model__isnull=True).first()


def rules_of(policy: Policy | None, to_stage: str) -> Rules:
    """Return what `policy` says; without one what the product ships with."""
    return Rules.from_dict(policy.rules) if policy else DEFAULTS[Stage(to_stage)]


def change(
    model: RegisteredModel | None, to_stage: str, rules: Rules, *, user: User, reason: str = ""
) -> Policy:
    """Set the policy of `model` (None: of the installation) for `to_stage`.

    Promotions that are open are judged by it from now on: their evidence names the policy, so approvals
    given under another one become stale.

    :raises PermissionDenied: `user` may not edit policies
    :raises ValidationError: by field: no such stage, unusable settings of a gate, too long a reason
    """
    name = model.name if model else ""
    target = trail.Target("policy", f"{name}:{to_stage}", f"{name or 'default'} to {to_stage}", name)
    access.require(user, Permission.POLICY_EDIT, target=target)
    _check_stage(to_stage)
    if len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": _("At most %d characters, please.") % REASON_LIMIT})
    complete = _complete(rules)
    with transaction.atomic():
        if model is not None:
            # As decisions do, before anything else.
            RegisteredModel.objects.select_for_update().get(pk=model.pk)
        before = Policy.objects.filter(model=model, to_stage=to_stage).first()
        policy = Policy.objects.create(
            model=model,
            to_stage=to_stage,
            number=before.number + 1 if before else 1,
            rules=complete.to_dict(),
            reason=reason.strip(),
            at=timezone.now(),
            by_name=user.username,
        )
        data = {"number": policy.number, "rules": policy.rules, "reason": policy.reason}
        trail.record(Event.POLICY_CHANGED, actor=access.actor(user), target=target, data=data)
    return policy


def _check_stage(to_stage: str) -> None:
    if to_stage not in {stage.value for stage in DEFAULTS}:
        raise ValidationError({"to_stage": _("Policies exist for Staging and Production.")})


def _complete(rules: Rules) -> Rules:
    """Return `rules` with the settings of their gates completed; every fault is named at its field."""
    settings, errors = [], {}
    for given in rules.gates:
        try:
            settings.append(gates.configured(given))
        except PolicyError as error:
            errors[error.field] = str(error)
        except SettingsError as error:
            errors |= {f"gates.{given.gate}.{path}": text for path, text in error.errors.items()}
    if errors:
        raise ValidationError({field: sentences.translated(text) for field, text in errors.items()})
    return replace(rules, gates=tuple(settings))
