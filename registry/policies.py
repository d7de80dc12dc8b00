"""Operations: the policies that promotions follow. Append-only: every change is a new number."""

from dataclasses import dataclass, replace

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import accounts.access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import sentences
from registry import access, gates, trail_targets
from registry.conflicts import ConflictError
from registry.gates.options import SettingsError
from registry.models import Policy, RegisteredModel
from registry.policy_rules import DEFAULTS, PolicyError, Rules
from registry.stages import Stage

REASON_LIMIT = 2000
_MEANWHILE = gettext_lazy("%(name)s has changed this policy meanwhile: it is number %(number)s now.")


@dataclass(frozen=True)
class Effective:
    """The rules that hold for one stage of one model, or of the installation.

    :ivar own: the newest policy of the model (or installation) itself; None: it never had one
    :ivar policy: the one that holds; None: `DEFAULTS`
    """

    model: RegisteredModel | None
    to_stage: str
    own: Policy | None
    policy: Policy | None
    rules: Rules

    @property
    def number(self) -> int:
        """Number of the own policy, 0 where there is none; a change names it as what it is based on."""
        return self.own.number if self.own else 0

    @property
    def source(self) -> str:
        """Whose the rules are: ``model``, ``installation`` or ``product``."""
        if self.policy is None:
            return "product"
        return "model" if self.policy.model_id else "installation"


def current(model: RegisteredModel, to_stage: str) -> Policy | None:
    """Return the policy that holds for `model`: its own, else the installation's, else None (`DEFAULTS`)."""
    found = Policy.objects.filter(Q(model=model) | Q(model__isnull=True), to_stage=to_stage)
    return found.order_by(F("model").asc(nulls_last=True), "-number").first()


def rules_of(policy: Policy | None, to_stage: str) -> Rules:
    """Return what `policy` says; without one what the product ships with."""
    return Rules.from_dict(policy.rules) if policy else DEFAULTS[Stage(to_stage)]


def effective(model: RegisteredModel | None, to_stage: str) -> Effective:
    """Return the rules that hold for promotions of `model` (None: of models without a policy). Two queries.

    :raises ValidationError: there are no policies for that stage
    """
    _check_stage(to_stage)
    own = history(model, to_stage).first()
    policy = own
    if own is None and model is not None:
        policy = history(None, to_stage).first()
    return Effective(model, to_stage, own, policy, rules_of(policy, to_stage))


def history(model: RegisteredModel | None, to_stage: str) -> QuerySet[Policy]:
    """Return every state of the policy of `model` (None: of the installation) for a stage, newest first."""
    return Policy.objects.filter(model=model, to_stage=to_stage).order_by("-number")


def change(
    model: RegisteredModel | None,
    to_stage: str,
    rules: Rules,
    *,
    user: User,
    reason: str = "",
    expected: int | None = None,
) -> Policy:
    """Set the policy of `model` (None: of the installation) for `to_stage`.

    Promotions that are open are judged by it from now on: their evidence names the policy, so approvals
    given under another one become stale.

    :param expected: number of the policy that the change is based on, 0 for none; None: whatever is there
    :raises PermissionDenied: `user` may not edit policies
    :raises ValidationError: by field: no such stage, unusable settings, an unknown group, a reason that
        is too long
    :raises ConflictError: somebody has changed the policy meanwhile
    """
    target = trail_targets.of_policy(model, to_stage)
    _require(user, model, target)
    _check_stage(to_stage)
    if len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": _("At most %d characters, please.") % REASON_LIMIT})
    complete = _complete(rules)
    with transaction.atomic():
        if model is not None:
            # As decisions do, before anything else.
            RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        before = history(model, to_stage).first()
        number = before.number if before else 0
        if expected is not None and expected != number:
            raise ConflictError(_MEANWHILE % {"number": number, "name": before.by_name if before else ""})
        policy = _create(model, to_stage, number + 1, complete, user, reason)
        data = {"number": policy.number, "rules": policy.rules, "reason": policy.reason}
        trail.record(Event.POLICY_CHANGED, actor=accounts.access.actor(user), target=target, data=data)
    return policy


def _create(
    model: RegisteredModel | None, to_stage: str, number: int, rules: Rules, user: User, reason: str
) -> Policy:
    try:
        with transaction.atomic():
            return Policy.objects.create(
                model=model,
                to_stage=to_stage,
                number=number,
                rules=rules.to_dict(),
                reason=reason.strip(),
                at=timezone.now(),
                by_name=user.username,
            )
    except IntegrityError as error:  # the installation's policies have no row that could be locked
        raise ConflictError(_("Somebody has changed this policy at the same moment.")) from error


def _require(user: User, model: RegisteredModel | None, target: trail.Target) -> None:
    if model is None:
        accounts.access.require(user, Permission.POLICY_EDIT, target=target)
    else:
        access.require_on(user, Permission.POLICY_EDIT, model, target=target)


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
    absent = _absent(rules.groups)
    if absent:
        errors["groups"] = f"There is no group {absent[0]}."
    if errors:
        raise ValidationError({field: sentences.translated(text) for field, text in errors.items()})
    return replace(rules, gates=tuple(settings))


def _absent(groups: tuple[str, ...]) -> list[str]:
    there = set(Group.objects.filter(name__in=groups).values_list("name", flat=True))
    return [name for name in groups if name not in there]
