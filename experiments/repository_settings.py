"""Operation: change how much of a repository runs at a time, and whether results are pushed to it."""

from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, job_queue, repositories
from experiments.models import Repository

MAX_LIMIT = 1000
# More than there are workers need not be told that there is a place.
_TOLD = 100


class Settings(TypedDict, total=False):
    """What is set.

    :ivar job_limit: how many pipelines run at a time, at least 1; None: as many as there are workers
    :ivar push_allowed: whether applied results are pushed to the origin
    """

    job_limit: int | None
    push_allowed: bool


def change(repository: Repository, *, user: User, **wanted: Unpack[Settings]) -> Repository:
    """Set what `wanted` names, and leave the rest as it is.

    The same values again change nothing. Jobs that run are not ended by a lower limit.

    :raises PermissionDenied: `user` is no administrator
    :raises ValidationError: by field: the limit is no such number
    """
    access.require(user, Permission.REPOSITORY_CONNECT, target=repositories.target(repository))
    job_limit = wanted.get("job_limit")
    if job_limit is not None and not 1 <= job_limit <= MAX_LIMIT:
        raise ValidationError({"job_limit": _("A number from 1 to %d, or nothing.") % MAX_LIMIT})
    with transaction.atomic():
        row = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
        changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if changed:
            _write(row, changed, user)
    return row


def _write(row: Repository, changed: dict[str, Any], user: User) -> None:
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    if "job_limit" in changed:
        for job in job_queue.next_of(row, min(row.job_limit or _TOLD, _TOLD)):
            job_changes.announce(job)
    data = {"before": before, "after": changed}
    actor, target = access.actor(user), repositories.target(row)
    trail.record(Event.REPOSITORY_CHANGED, actor=actor, target=target, data=data)
