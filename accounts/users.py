"""Operations on people: create, give roles, change a password, switch off, set preferences."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission, Role
from audit import trail
from audit.events import Event

_PREFERENCES = ("theme", "density", "language", "shortcuts")


def create(username: str, password: str, roles: Iterable[Role], *, by: User | None, email: str = "") -> User:
    """Create a person who can sign in.

    Args:
        username: unique whatever its case.
        password: refused where the configured validators refuse it.
        roles: what the person may do; none is possible.
        by: the administrator who asks for it; None is the product itself (set-up, command line).
        email: optional.

    Raises:
        PermissionDenied: `by` does not manage users.
        ValidationError: a value is not acceptable; `message_dict` says which and why.
    """
    _require_manager(by, trail.Target("user", "new", username[:150] or "-"))
    user = User(username=User.normalize_username(username), email=User.objects.normalize_email(email))
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error}) from error
    user.set_password(password)
    user.full_clean()
    wanted = _sorted(roles)
    with transaction.atomic():
        user.save(force_insert=True)
        user.groups.set(_groups(wanted))
        _record(Event.USER_CREATED, user, by, {"roles": wanted})
    return user


def set_roles(user: User, roles: Iterable[Role], *, by: User | None) -> None:
    """Give `user` exactly `roles`. Nothing happens where they have just these already.

    Raises:
        PermissionDenied: `by` does not manage users.
        ValidationError: it would leave nobody to administrate.
    """
    _require_manager(by, access.target(user))
    wanted = _sorted(roles)
    with transaction.atomic():
        _keep_an_administrator(user, remains=Role.ADMINISTRATOR in wanted or user.is_superuser)
        held = sorted(user.groups.filter(name__in=list(Role)).values_list("name", flat=True))
        if held == wanted:
            return
        user.groups.remove(*_groups(set(held) - set(wanted)))
        user.groups.add(*_groups(wanted))
        _record(Event.USER_ROLES_CHANGED, user, by, {"before": held, "after": wanted})


def set_active(user: User, active: bool, *, by: User | None) -> None:
    """Let `user` sign in and use tokens, or stop them at their next request. Idempotent.

    Raises:
        PermissionDenied: `by` does not manage users.
        ValidationError: it would leave nobody to administrate.
    """
    _require_manager(by, access.target(user))
    event = Event.USER_REACTIVATED if active else Event.USER_DEACTIVATED
    with transaction.atomic():
        _keep_an_administrator(user, remains=active)
        if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
            _record(event, user, by, {})
    user.is_active = active


def set_password(user: User, password: str) -> None:
    """Change the password of `user`, who asked for it and has proven the old one. Ends other sessions.

    Raises:
        ValidationError: the configured validators refuse it.
    """
    validate_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        _record(Event.USER_PASSWORD_CHANGED, user, user, {})


def set_preferences(user: User, **preferences: Any) -> None:
    """Set `theme`, `density`, `language` or `shortcuts` of `user`; nothing happens where none differs.

    Raises:
        TypeError: there is no such preference.
        ValidationError: a value is not on its list.
    """
    unknown = preferences.keys() - set(_PREFERENCES)
    if unknown:
        raise TypeError(f"no such preference: {', '.join(sorted(unknown))}")
    changed = {name: value for name, value in preferences.items() if getattr(user, name) != value}
    if not changed:
        return
    others = {field.name for field in User._meta.fields} - changed.keys()
    User(**changed).clean_fields(exclude=others)
    for name, value in changed.items():
        setattr(user, name, value)
    with transaction.atomic():
        user.save(update_fields=list(changed))
        _record(Event.USER_PREFERENCES_CHANGED, user, user, changed)


def _require_manager(by: User | None, target: trail.Target) -> None:
    if by is not None:
        access.require(by, Permission.USER_MANAGE, target=target)


def _sorted(roles: Iterable[Role]) -> list[str]:
    return sorted({str(Role(role)) for role in roles})


def _groups(names: Iterable[str]) -> list[Group]:
    """The groups of these roles, created where a database was restored without them."""
    return [Group.objects.get_or_create(name=name)[0] for name in names]


def _keep_an_administrator(user: User, *, remains: bool) -> None:
    """Refuse to take the last administrator away. Locks them all: two could remove each other.

    Not their keys: who holds the trail may be about to insert a row that refers to one of them.
    """
    administrators = Q(groups__name=Role.ADMINISTRATOR) | Q(is_superuser=True)
    matching = User.objects.filter(administrators, is_active=True).values("pk")
    locked = User.objects.select_for_update(no_key=True).filter(pk__in=matching).order_by("pk")
    keepers = set(locked.values_list("pk", flat=True))
    if keepers == {user.pk} and not remains:
        raise ValidationError(_("There has to be an active administrator."), code="last_administrator")


def _record(event: Event, user: User, by: User | None, data: dict[str, Any]) -> None:
    who = trail.SYSTEM if by is None else access.actor(by)
    trail.record(event, actor=who, target=access.target(user), data=data)
