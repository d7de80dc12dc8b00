"""Operations: who has a part in a model, and whether it is kept from everybody else."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import actor, can
from accounts.models import User
from accounts.roles import Permission, Role
from audit import trail
from audit.events import Event
from registry import access, trail_targets
from registry.member_rules import Part
from registry.models import Member, RegisteredModel

# A list to choose from; any name can be typed.
_OFFERED = 200


def add(model: RegisteredModel, person: User, part: str, *, user: User) -> Member:
    """Give `person` a part in `model`. Nothing happens where they have it already.

    :param part: a value of `Part`
    :param user: who decides so: an owner of the model, or an administrator
    :raises PermissionDenied: `user` may not manage the members of `model`
    :raises ValidationError: by field: there is no such part, or the person is switched off
    """
    _require_manager(user, model)
    chosen = _part(part)
    if not person.is_active:
        raise ValidationError({"user": _("%(name)s is switched off.") % {"name": person.username}})
    with transaction.atomic():
        _locked(model)
        member, new = Member.objects.get_or_create(model=model, user=person, part=chosen)
        if new:
            _record(Event.MEMBER_ADDED, model, user, _facts(member))
    return member


def remove(member: Member, *, user: User) -> None:
    """Take a part in a model away from a person. Nothing happens where it is gone already.

    :param user: who decides so: an owner of the model, or an administrator
    :raises PermissionDenied: `user` may not manage the members of the model
    :raises ValidationError: it is the last owner's, and `user` is no administrator; only those could make
        another one
    """
    model = member.model
    _require_manager(user, model)
    anywhere = can(user, Permission.MEMBER_MANAGE)
    with transaction.atomic():
        _locked(model)
        if not anywhere:
            _keep_an_owner(member)
        facts = _facts(member)
        gone, _by_table = Member.objects.filter(pk=member.pk).delete()
        if gone:
            _record(Event.MEMBER_REMOVED, model, user, facts)


def set_restricted(model: RegisteredModel, restricted: bool, *, user: User) -> None:
    """Keep `model` from those who have no part in it, or open it to everybody with a role. Idempotent.

    :param user: who decides so: an owner of the model, or an administrator
    :raises PermissionDenied: `user` may not manage the members of `model`
    """
    _require_manager(user, model)
    with transaction.atomic():
        rows = RegisteredModel.objects.filter(pk=model.pk, restricted=not restricted)
        if rows.update(restricted=restricted):
            change = {"restricted": {"before": not restricted, "after": restricted}}
            _record(Event.MODEL_CHANGED, model, user, change)
    model.restricted = restricted


def of(model: RegisteredModel) -> Sequence[Member]:
    """Return the members of `model` with their people: owners first, by name. One query."""
    return list(model.members.select_related("user").order_by("part", "user__username"))


def people() -> Sequence[str]:
    """Return the names of people who might be given a part: those with a role, at most `_OFFERED`."""
    able = User.objects.filter(is_active=True).filter(groups__name__in=list(Role)).distinct()
    return list(able.order_by("username").values_list("username", flat=True)[:_OFFERED])


def person_called(username: str) -> User:
    """Return the person called `username`.

    :raises ValidationError: there is none, under `user`
    """
    # PostgreSQL cannot compare U+0000, and no name has it.
    person = User.objects.filter(username=username.strip().replace("\0", "")).first()
    if person is None:
        raise ValidationError({"user": _("There is nobody called %(name)s.") % {"name": username}})
    return person


def _require_manager(user: User, model: RegisteredModel) -> None:
    access.require_on(user, Permission.MEMBER_MANAGE, model, target=trail_targets.of_model(model))


def _part(text: str) -> Part:
    try:
        return Part(text)
    except ValueError:
        raise ValidationError({"part": _("Choose one of: %s.") % ", ".join(Part)}) from None


def _locked(model: RegisteredModel) -> None:
    """Let changes of one model's members happen one after the other, in the order of all decisions."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)


def _keep_an_owner(member: Member) -> None:
    others = Member.objects.filter(model=member.model_id, part=Part.OWNER).exclude(pk=member.pk)
    if member.part == Part.OWNER and not others.exists():
        text = _("This is the last owner of the model; only an administrator may remove them.")
        raise ValidationError(text, code="last_owner")


def _facts(member: Member) -> dict[str, Any]:
    return {"user": str(member.user_id), "name": member.user.username, "part": member.part}


def _record(event: Event, model: RegisteredModel, user: User, data: dict[str, Any]) -> None:
    trail.record(event, actor=actor(user), target=trail_targets.of_model(model), data=data)
