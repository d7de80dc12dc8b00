"""What a worker does with a job: claim it, keep its lease, finish it.

`Job.attempt` is the fencing token: it grows with every claim, and each function here writes only while the
row is running under the attempt that was claimed. All times are compared by the clock of the database, so a
wrong clock on a worker cannot steal a lease or keep one for ever.
"""

import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from audit import trail
from audit.events import Event
from experiments import job_changes, job_logs, job_queue, runners
from experiments.job_fence import Fence
from experiments.job_states import JobState
from experiments.models import Job


@dataclass(frozen=True)
class ClaimedJob:
    """A job as it was when a worker claimed it.

    :ivar next_line: number of its next log line
    :ivar started: when the claim began, by this machine's monotonic clock
    """

    fence: Fence
    kind: str
    payload: dict[str, Any]
    submitted_by: str
    next_line: int
    started: float


def claim(job_id: int, worker: str) -> ClaimedJob | None:
    """Make a waiting job this worker's, or return None: taken, not due, not waiting, or without a place."""
    started = time.monotonic()
    with transaction.atomic():
        if not job_queue.has_place(job_id):
            return None
        claimed = Job.objects.filter(pk=job_id, state__in=job_queue.WAITING, not_before__lte=Now()).update(
            state=JobState.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker[:200],
            lease_until=_lease(),
            heartbeat_at=Now(),
            started_at=timezone.now(),
            error="",
            message="",
        )
        if not claimed:
            return None
        job = Job.objects.get(pk=job_id)
        data = {"attempt": job.attempt, "worker": job.worker}
        trail.record(Event.JOB_STARTED, actor=trail.SYSTEM, target=job_changes.target(job), data=data)
        next_line = job_logs.next_line(job)
    fence = Fence(job.pk, job.attempt)
    return ClaimedJob(fence, job.kind, job.payload, job.submitted_by_name, next_line, started)


def heartbeat(fence: Fence) -> bool:
    """Renew the lease; return False if the job is no longer this attempt's."""
    return fence.rows().update(lease_until=_lease(), heartbeat_at=Now()) == 1


def cancel_requested(fence: Fence) -> bool | None:
    """Return whether a person wants the job cancelled; None if it is no longer this attempt's."""
    row = fence.rows().values_list("cancel_requested_at").first()
    return None if row is None else row[0] is not None


def save_progress(fence: Fence, steps: list[dict[str, Any]], message: str) -> bool:
    """Show steps and message; return False if the job is no longer this attempt's."""
    return fence.rows().update(steps=steps, message=message) == 1


def finish_success(fence: Fence, outcome: runners.Outcome, steps: list[dict[str, Any]]) -> bool:
    """Record success and submit what follows, in one transaction; False if the fence is lost."""
    with transaction.atomic():
        job = fence.lock()
        if job is None:
            return False
        result = dict(outcome.result)
        job_changes.end(job, JobState.SUCCEEDED, result=result, steps=steps, message="")
        for follow_up in outcome.then:
            _submit(follow_up, job)
    return True


def finish_fail(fence: Fence, error: str, steps: list[dict[str, Any]]) -> bool:
    """Record failure for good (a person may retry); False if the fence is lost."""
    return _end(fence, JobState.FAILED, error, steps)


def finish_cancelled(fence: Fence, steps: list[dict[str, Any]]) -> bool:
    """Record that the job was cancelled as somebody asked; False if the fence is lost."""
    return _end(fence, JobState.CANCELLED, "", steps)


def finish_later(fence: Fence, error: str, steps: list[dict[str, Any]]) -> bool:
    """Queue the job again after a fault that may pass, or fail it after its last attempt.

    :return: False if the fence is lost
    """
    with transaction.atomic():
        job = fence.lock()
        if job is None:
            return False
        job.steps = steps
        job.save(update_fields=["steps"])
        if job.cancel_requested_at is not None:
            job_changes.end(job, JobState.CANCELLED)
        elif job.attempt >= job.max_attempts:
            reason = f"{error} (Given up after {job.attempt} attempts.)"
            job_changes.end(job, JobState.FAILED, error=reason)
        else:
            job_changes.requeue(job, delay=runners.get(job.kind).delay(job.attempt), reason=error)
    return True


def release(fence: Fence) -> bool:
    """Give the job back to the queue because the worker shuts down; the attempt does not count.

    :return: False if the fence is lost
    """
    with transaction.atomic():
        job = fence.lock()
        if job is None:
            return False
        if job.cancel_requested_at is not None:
            job_changes.end(job, JobState.CANCELLED)
        else:
            job_changes.requeue(job, delay=0, reason="The worker was shut down.", attempts=1)
    return True


def worker_name(process_id: int) -> str:
    """Return what `Job.worker` says of a process of this host."""
    return f"{socket.gethostname()}:{process_id}"


def _lease() -> Any:
    return Now() + timedelta(seconds=settings.JOB_LEASE)


def _end(fence: Fence, state: JobState, error: str, steps: list[dict[str, Any]]) -> bool:
    with transaction.atomic():
        job = fence.lock()
        if job is None:
            return False
        job_changes.end(job, state, error=error, steps=steps, message="")
    return True


def _submit(follow_up: runners.FollowUp, job: Job) -> None:
    job_changes.create(
        runners.get(follow_up.kind),
        follow_up.payload,
        submitter=job.submitted_by,
        name=job.submitted_by_name,
        repository=job.repository,
        parent=job,
        key=f"{job.pk}:{follow_up.kind}{follow_up.key_suffix}",
    )
