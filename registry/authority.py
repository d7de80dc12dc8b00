"""The frame of every decision: who may, in a transaction of its own, and still may at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import access as accounts
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from registry import access
from registry.models import RegisteredModel


class RefusedError(Exception):
    """Somebody whose role would do may not do this here; raised inside `deciding`, which records it.

    :ivar why: a word for the trail
    :ivar sentence: what they are told
    """

    def __init__(self, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why
        self.sentence = sentence


@contextmanager
def deciding(
    user: User, permission: Permission, model: RegisteredModel, *, target: trail.Target
) -> Iterator[None]:
    """Let `user` decide something about `model` in one transaction.

    The permission is asked for before, so that most refusals cost little, and again at the end from the
    database: by then the audit entry is written, so a withdrawal of the role either stands before that entry
    in the trail, and is seen, or after it.

    :param target: what it is about, for the trail
    :raises PermissionDenied: they may not, or not any more; nothing is kept but the entry of the refusal
    :raises RuntimeError: a transaction is open already, and they may not
    """
    access.require_on(user, permission, model, target=target)
    try:
        with transaction.atomic():
            yield
            confirm(user, permission, model)
    except RefusedError as refusal:
        _record(user, permission, target, refusal.why)
        raise PermissionDenied(refusal.sentence) from refusal


def confirm(user: User, permission: Permission, model: RegisteredModel) -> None:
    """Ask the database whether `user` still may; nothing that was read before counts. Three queries.

    :raises RefusedError: they may not
    """
    fresh = User.objects.filter(pk=user.pk, is_active=True).first()
    if fresh is None or permission not in access.permissions_on(fresh, model):
        raise RefusedError("revoked", access.explain_on(permission, model))


def _record(user: User, permission: Permission, target: trail.Target, why: str) -> None:
    with transaction.atomic(durable=True):
        data = {"permission": permission, "why": why}
        trail.record(Event.PERMISSION_DENIED, actor=accounts.actor(user), target=target, data=data)
