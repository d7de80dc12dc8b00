"""Operations: submit, cancel and retry a job. Nothing here talks to Redis; the dispatcher reads the outbox.

Together with `job_changes`, `job_leases` (what a worker does) and `job_reaper` the sole writer of
`Job.state`.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, job_permissions, runners
from experiments.job_states import Actor, JobState, sources
from experiments.models import Job, Priority, Repository


class WrongStateError(Exception):
    """The job is in a state from which this cannot be done; the message is for a person."""


def submit(
    kind: str,
    payload: Mapping[str, Any],
    *,
    user: User,
    repository: Repository | None = None,
    parent: Job | None = None,
    key: str | None = None,
    priority: Priority = Priority.NORMAL,
) -> Job:
    """Queue a job and return it. It runs when a worker is free, also if Redis is down now.

    :param kind: name of a registered kind
    :param payload: JSON object for the runner; never a secret
    :param key: makes the submission idempotent: a key that exists returns its job and changes nothing
    :raises UnknownKindError: nobody registered `kind`
    :raises PermissionDenied: `user` may not submit this kind
    :raises ValueError: `payload` holds what JSON or the databases cannot (see `audit.chain`)
    """
    known = runners.get(kind)
    job_permissions.require(user, known.permission, payload, target=trail.Target("job", "new", known.name))
    with transaction.atomic():
        return job_changes.create(
            known,
            payload,
            submitter=user,
            name=user.username,
            repository=repository,
            parent=parent,
            key=key,
            priority=priority,
        )


def cancel(job: Job, *, user: User) -> Job:
    """Cancel a job: at once when it waits; a running one is told and ends within some twenty seconds.

    A lost one is cancelled by the reaper, which first ends what its attempt left behind. Asking again changes
    nothing.

    :raises PermissionDenied: `user` may not cancel this job
    :raises WrongStateError: it has finished already
    """
    permission = Permission.JOB_CANCEL if job.belongs_to(user) else Permission.JOB_CANCEL_ANY
    access.require(user, permission, target=job_changes.target(job))
    waiting = sources(JobState.CANCELLED, Actor.PERSON)
    with transaction.atomic():
        row = Job.objects.select_for_update().get(pk=job.pk)
        if row.state in waiting:
            job_changes.end(row, JobState.CANCELLED, actor=access.actor(user))
        elif JobState(row.state).is_terminal:
            raise WrongStateError(_("Job #%(id)s has finished already.") % {"id": job.pk})
        elif row.cancel_requested_at is None:
            row.cancel_requested_at = timezone.now()
            row.cancel_requested_by = user.username
            row.save(update_fields=["cancel_requested_at", "cancel_requested_by"])
            trail.record(Event.JOB_CANCEL_REQUESTED, actor=access.actor(user), target=job_changes.target(row))
    return row


def retry(job: Job, *, user: User, payload: Mapping[str, Any] | None = None) -> Job:
    """Queue a failed, cancelled or lost job again, with as many further attempts as a new one has.

    :param payload: what its runner gets from now on; None keeps what was submitted
    :raises PermissionDenied: `user` may not submit this kind, or retry the jobs of others
    :raises ValueError: `payload` holds what JSON or the databases cannot (see `audit.chain`)
    :raises WrongStateError: it waits, runs or has succeeded
    """
    kind = runners.get(job.kind)
    job_permissions.require(user, kind.permission, job.payload, target=job_changes.target(job))
    if not job.belongs_to(user):
        access.require(user, Permission.JOB_CANCEL_ANY, target=job_changes.target(job))
    replaced = {} if payload is None else {"payload": dict(payload)}
    data = {"reason": "asked for"} | ({} if payload is None else job_changes.audited(payload))
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state__in=sources(JobState.QUEUED, Actor.PERSON)).update(
            state=JobState.QUEUED,
            max_attempts=F("attempt") + kind.max_attempts,
            lost=0,
            not_before=Now(),
            lease_until=None,
            finished_at=None,
            cancel_requested_at=None,
            cancel_requested_by="",
            message="",
            **replaced,
        )
        if not changed:
            raise WrongStateError(_("Job #%(id)s is not one that can be retried.") % {"id": job.pk})
        row = Job.objects.get(pk=job.pk)
        job_changes.announce(row)
        who, data = access.actor(user), {"attempt": row.attempt, **data}
        trail.record(Event.JOB_RETRIED, actor=who, target=job_changes.target(row), data=data)
    return row
