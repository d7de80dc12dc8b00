"""Operations: keep an arrangement of the table of runs under a name, for oneself or for everybody."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments.models import SavedView

MAX_NAME = 100
MAX_QUERY = 8_000
MAX_VIEWS = 100
#: What of an address is an arrangement: the rest is a place in it, or what somebody chose there.
KEPT = ("q", "experiment", "status", "sort", "columns", "group")


def create(name: str, query: str, *, shared: bool, user: User) -> SavedView:
    """Keep an arrangement.

    :param query: of an address of the table; what is not of the arrangement is left out
    :param shared: everybody sees it, and nobody but `user` and administrators changes it
    :raises PermissionDenied: `user` may not look at runs
    :raises ValidationError: no name, a name that `user` has already, too long a query, too many views
    """
    access.require(user, Permission.VIEW, target=trail.Target("saved_view", "new", name[:MAX_NAME] or "-"))
    now = timezone.now()
    columns = {"name": _name(name), "query": arrangement(query), "shared": shared}
    if SavedView.objects.filter(owner=user).count() >= MAX_VIEWS:
        raise ValidationError({"name": _("You have %(limit)d views already.") % {"limit": MAX_VIEWS}})
    view = SavedView(**columns, owner=user, owner_name=user.username, created_at=now, changed_at=now)
    with transaction.atomic():
        _save(view)
        trail.record(Event.VIEW_SAVED, actor=access.actor(user), target=_target(view), data=columns)
    return view


def change(
    view: SavedView,
    *,
    user: User,
    name: str | None = None,
    query: str | None = None,
    shared: bool | None = None,
) -> SavedView:
    """Rename, rearrange, share a view or keep it for oneself; None leaves a thing as it is.

    :raises PermissionDenied: it is somebody else's, and `user` does not manage the views of others
    :raises ValidationError: as `create`
    """
    _require(view, user)
    asked = {
        "name": None if name is None else _name(name),
        "query": None if query is None else arrangement(query),
        "shared": shared,
    }
    with transaction.atomic():
        row = SavedView.objects.select_for_update().get(pk=view.pk)
        changes = {key: value for key, value in asked.items() if value not in (None, getattr(row, key))}
        if changes:
            for key, value in {**changes, "changed_at": timezone.now()}.items():
                setattr(row, key, value)
            _save(row)
            trail.record(Event.VIEW_CHANGED, actor=access.actor(user), target=_target(row), data=changes)
    return row


def delete(view: SavedView, *, user: User) -> None:
    """Forget a view; the runs stay. Idempotent.

    :raises PermissionDenied: it is somebody else's, and `user` does not manage the views of others
    """
    _require(view, user)
    with transaction.atomic():
        target = _target(view)
        if SavedView.objects.filter(pk=view.pk).delete()[0]:
            data = {"query": view.query, "owner": view.owner_name}
            trail.record(Event.VIEW_DELETED, actor=access.actor(user), target=target, data=data)


def arrangement(query: str) -> str:
    """Return what of the query of an address is worth keeping, alike for equal arrangements.

    :raises ValidationError: it is too long
    """
    given, kept = QueryDict(query[: 4 * MAX_QUERY]), QueryDict(mutable=True)
    for key in KEPT:
        values = [value.replace("\0", "") for value in given.getlist(key)]
        if any(values):
            kept.setlist(key, [value for value in values if value])
    text = kept.urlencode()
    if len(text) > MAX_QUERY:
        raise ValidationError({"query": _("This arrangement is too long to be kept.")})
    return text


def _name(name: str) -> str:
    clean = " ".join(name.replace("\0", "").split())
    if not clean:
        raise ValidationError({"name": _("A view needs a name.")})
    if len(clean) > MAX_NAME:
        raise ValidationError({"name": _("A name has at most %(limit)d characters.") % {"limit": MAX_NAME}})
    return clean


def _save(view: SavedView) -> None:
    fields: dict[str, Any] = {"force_insert": True} if view.pk is None else {}
    try:
        with transaction.atomic():
            view.save(**fields)
    except IntegrityError as error:
        raise ValidationError({"name": _("There is a view of this name already.")}) from error


def _require(view: SavedView, user: User) -> None:
    own = view.owner_id == user.pk
    access.require(user, Permission.VIEW if own else Permission.SAVED_VIEW_MANAGE, target=_target(view))


def _target(view: SavedView) -> trail.Target:
    return trail.Target("saved_view", str(view.pk), view.name)
