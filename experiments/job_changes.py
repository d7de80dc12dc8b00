"""Changes of jobs that need no permission, inside the caller's transaction: create, queue again, end.

Each comes with its audit entry. The caller holds the lock of the row, or has won it by a conditional UPDATE.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts import access
from accounts.models import User
from audit import chain, trail
from audit.events import Event
from experiments import job_queue, runners
from experiments.job_states import JobState
from experiments.models import Job, Outbox, Priority, Repository
from experiments.signals import job_finished

# Longer payloads are in the trail by their digest only.
_AUDITED_CHARACTERS = 4_000
_EVENTS = {
    JobState.SUCCEEDED: Event.JOB_SUCCEEDED,
    JobState.FAILED: Event.JOB_FAILED,
    JobState.CANCELLED: Event.JOB_CANCELLED,
}


def create(
    kind: runners.Kind,
    payload: Mapping[str, Any],
    *,
    submitter: User | None,
    name: str,
    repository: Repository | None = None,
    parent: Job | None = None,
    key: str | None = None,
    actor: trail.Actor | None = None,
    priority: Priority = Priority.NORMAL,
) -> Job:
    """Write job, announcement and audit entry in the caller's transaction, without asking for a permission.

    :param submitter: for whom; None when that account is gone
    :param name: their name, which outlives the account
    :param actor: who the trail names instead, for what the product does by itself
    :raises ValueError: `payload` holds what JSON or the databases cannot (see `audit.chain`)
    """
    told = audited(payload)
    if key is not None and (existing := Job.objects.filter(key=key).first()):
        return existing
    job = Job(
        kind=kind.name,
        queue=kind.queue,
        max_attempts=kind.max_attempts,
        steps=[{"name": step, "state": "waiting", "seconds": None} for step in kind.steps],
        payload=dict(payload),
        repository=repository,
        parent=parent,
        key=key,
        priority=priority,
        submitted_by=submitter,
        submitted_by_name=name,
        not_before=Now(),
        created_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if key is None:
            raise
        return Job.objects.get(key=key)  # somebody with the same key was faster
    job.refresh_from_db()
    announce(job)
    who = access.actor(submitter) if submitter else trail.Actor("deleted", name)
    trail.record(Event.JOB_SUBMITTED, actor=actor or who, target=target(job), data={**told, **_origin(job)})
    return job


def audited(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the trail says of a payload.

    :raises ValueError: it holds what JSON or the databases cannot (see `audit.chain`)
    """
    text = chain.canonical(payload)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"payload": text[:_AUDITED_CHARACTERS], "payload_sha256": digest}


def _origin(job: Job) -> dict[str, Any]:
    return {"repository": job.repository.name if job.repository else None, "parent": job.parent_id}


def requeue(job: Job, *, delay: float, reason: str, attempts: int = 0) -> None:
    """Put a locked job back into the queue in the caller's transaction; the product does it by itself.

    :param delay: seconds before it may be claimed
    :param reason: why, for people: shown with the job until it runs again, and in the trail
    :param attempts: further attempts to grant, for one that did not count
    """
    Job.objects.filter(pk=job.pk).update(
        state=JobState.QUEUED,
        not_before=Now() + timedelta(seconds=delay),
        max_attempts=F("max_attempts") + attempts,
        lease_until=None,
        error=reason,
        message="",
    )
    job.refresh_from_db()
    announce(job)
    _give_place(job)
    data = {"attempt": job.attempt, "reason": reason, "delay_seconds": delay}
    trail.record(Event.JOB_RETRIED, actor=trail.SYSTEM, target=target(job), data=data)


def end(
    job: Job, state: JobState, *, actor: trail.Actor = trail.SYSTEM, error: str = "", **fields: Any
) -> None:
    """Bring a locked job to a terminal state in the caller's transaction, and tell the other apps after it.

    :param error: what went wrong, for people
    :param fields: further columns to write
    """
    for name, value in {"state": state, "error": error, **fields}.items():
        setattr(job, name, value)
    job.finished_at = timezone.now()
    job.lease_until = None
    job.save(update_fields=["state", "error", "finished_at", "lease_until", *fields])
    _give_place(job)
    data = {"attempt": job.attempt, "error": error, "cancel_requested_by": job.cancel_requested_by}
    data = {name: value for name, value in data.items() if value != ""}
    trail.record(_EVENTS[state], actor=actor, target=target(job), data=data)
    transaction.on_commit(lambda: job_finished.send_robust(sender=Job, job=job))


def announce(job: Job) -> None:
    """Have the dispatcher tell the workers of `job` as soon as it may be claimed."""
    # Not earlier than `not_before`, or the message would be consumed by a claim that is refused.
    Outbox.objects.create(job=job, created_at=timezone.now(), due_at=job.not_before)


def _give_place(job: Job) -> None:
    """Have the workers told of the job that can run now that `job` does not: its message may be used up."""
    for waiting in job_queue.waiting_for_place(job):
        announce(waiting)


def target(job: Job) -> trail.Target:
    """Return `job` as the trail names it."""
    return trail.Target("job", str(job.pk), str(job))
