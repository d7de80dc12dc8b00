"""Operations: when a repository is fetched without anybody asking: by the clock, and by a webhook."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_states import ACTIVE, JobState
from experiments.models import Job, Repository
from experiments.repositories import target
from lineage import hook_signatures
from lineage.models import UpdatePlan

SHORTEST, LONGEST = 5, 7 * 24 * 60  # minutes
# Between two fetches that deliveries ask for; what comes sooner waits for the chore.
HOOK_PAUSE = timedelta(seconds=10)


def plan_of(repository: Repository) -> UpdatePlan:
    """Return the plan of a repository; an empty one that is not saved if there is none. One query."""
    return UpdatePlan.objects.filter(repository=repository).first() or UpdatePlan(repository=repository)


def schedule(repository: Repository, *, minutes: int | None, user: User) -> UpdatePlan:
    """Have a repository fetched every so many minutes; None: not any more.

    :raises PermissionDenied: `user` may not connect repositories
    :raises ValidationError: less than `SHORTEST` or more than `LONGEST` minutes
    """
    access.require(user, Permission.REPOSITORY_CONNECT, target=target(repository))
    if minutes is not None and not SHORTEST <= minutes <= LONGEST:
        text = _("From %(shortest)d to %(longest)d minutes.") % {"shortest": SHORTEST, "longest": LONGEST}
        raise ValidationError({"minutes": text})
    with transaction.atomic():
        next_at = timezone.now() + timedelta(minutes=minutes) if minutes else None
        row, _made = UpdatePlan.objects.update_or_create(
            repository=repository, defaults={"minutes": minutes, "next_at": next_at}
        )
        _record(repository, user, {"fetch_every_minutes": minutes})
    return row


def make_hook(repository: Repository, *, user: User) -> str:
    """Give a repository a webhook, or a new secret to the one it has; return the secret, which is not kept.

    :raises PermissionDenied: `user` may not connect repositories
    """
    access.require(user, Permission.REPOSITORY_CONNECT, target=target(repository))
    with transaction.atomic():
        row, _made = UpdatePlan.objects.update_or_create(
            repository=repository,
            defaults={
                "hook_nonce": secrets.token_hex(16),
                "hook_made_at": timezone.now(),
                "hook_made_by": user.username,
                "hook_used_at": None,
            },
        )
        _record(repository, user, {"webhook": "new secret"})
    return hook_signatures.secret_of(row)


def remove_hook(repository: Repository, *, user: User) -> None:
    """Take the webhook away: what its host sends from now on is refused.

    :raises PermissionDenied: `user` may not connect repositories
    """
    access.require(user, Permission.REPOSITORY_CONNECT, target=target(repository))
    with transaction.atomic():
        UpdatePlan.objects.filter(repository=repository).update(hook_nonce="", hook_waiting=False)
        _record(repository, user, {"webhook": "removed"})


def delivered(plan: UpdatePlan) -> Job | None:
    """Queue a fetch because the host of the repository says that it changed; its signature was checked.

    Harmless when repeated: a fetch that waits is returned as it is, and one that would come too soon is left
    to the chore; then None is returned.
    """
    waiting = plan.repository.jobs.filter(kind="fetch", state=JobState.QUEUED).first()
    if waiting is not None:
        return waiting
    now = timezone.now()
    with transaction.atomic():
        free = UpdatePlan.objects.filter(
            Q(hook_used_at__isnull=True) | Q(hook_used_at__lt=now - HOOK_PAUSE), pk=plan.pk
        )
        if free.update(hook_used_at=now, hook_waiting=False):
            return _fetch(plan.repository, "webhook")
        UpdatePlan.objects.filter(pk=plan.pk).update(hook_waiting=True)
    return None


def keep() -> None:
    """Queue the fetches that are due; a chore."""
    now = timezone.now()
    due = UpdatePlan.objects.filter(Q(hook_waiting=True) | Q(minutes__isnull=False, next_at__lte=now))
    for plan in due.select_related("repository"):
        with transaction.atomic():
            seen = {"next_at": plan.next_at, "hook_waiting": plan.hook_waiting}
            claimed = UpdatePlan.objects.filter(pk=plan.pk, **seen)
            next_at = now + timedelta(minutes=plan.minutes) if plan.minutes else F("next_at")
            if claimed.update(next_at=next_at, hook_waiting=False):
                _fetch(plan.repository, "webhook" if plan.hook_waiting else "schedule")


def _fetch(repository: Repository, cause: str) -> Job:
    active = repository.jobs.filter(kind="fetch", state__in=ACTIVE)
    # One that runs may have looked already; one that waits has not.
    found = active.filter(state=JobState.QUEUED).first()
    if found is not None:
        return found
    return job_changes.create(
        runners.get("fetch"),
        {"repository": repository.name, "cause": cause},
        submitter=None,
        name=cause,
        repository=repository,
        actor=trail.SYSTEM,
    )


def _record(repository: Repository, user: User, data: dict[str, object]) -> None:
    trail.record(Event.REPOSITORY_CHANGED, actor=access.actor(user), target=target(repository), data=data)
