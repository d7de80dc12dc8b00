"""Finds running jobs whose worker fell silent, and sees to it that they go on or end.

Any number of reapers may be at work: each step is won by one of them through a conditional UPDATE, and what
they kill carries the number of the attempt that was lost.
"""

import logging
from collections.abc import Callable, Iterable

from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now

from audit import trail
from audit.events import Event
from experiments import job_changes, lost_pipelines, workspaces
from experiments.job_fence import Fence
from experiments.job_states import Actor, JobState, sources
from experiments.models import Job
from integrations import process_group

logger = logging.getLogger(__name__)

_AT_ONCE = 100


def reap() -> int:
    """Settle jobs whose lease has run out; return how many. What their programs left on this host is killed.

    A job is queued again until its attempts are used up, and then failed. One that somebody wanted cancelled
    is cancelled.
    """
    _each(_overdue(), _declare_lost)
    lost = Job.objects.filter(state=JobState.LOST).order_by("pk")[:_AT_ONCE]
    return _each(lost, _settle)


def _each(jobs: Iterable[Job], act: Callable[[Job], bool]) -> int:
    """Do `act` to each job, and go on if it fails for one of them; return for how many it was done."""
    done = 0
    for job in jobs:
        try:
            done += act(job)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("Job %s could not be reaped.", job.pk)
    return done


def _overdue() -> list[Job]:
    late = Job.objects.filter(state__in=sources(JobState.LOST, Actor.REAPER), lease_until__lt=Now())
    return list(late.order_by("pk")[:_AT_ONCE])


def _declare_lost(job: Job) -> bool:
    fence = Fence(job.pk, job.attempt)
    with transaction.atomic():
        won = fence.rows().filter(lease_until__lt=Now()).update(state=JobState.LOST, lost=F("lost") + 1)
        if won:
            logger.warning("Job %s: worker %s fell silent.", job.pk, job.worker)
            data = {"attempt": job.attempt, "worker": job.worker}
            trail.record(Event.JOB_LOST, actor=trail.SYSTEM, target=job_changes.target(job), data=data)
    return bool(won)


def _settle(job: Job) -> bool:
    # Before the next attempt may begin, nothing of this one may be left.
    fence = Fence(job.pk, job.attempt)
    process_group.kill_marked(fence.marker)
    workspaces.remove(fence)
    with transaction.atomic():
        mine = Job.objects.select_for_update().filter(pk=job.pk, attempt=job.attempt, state=JobState.LOST)
        row = mine.first()
        if row is None:
            return False
        if row.cancel_requested_at is not None:
            job_changes.end(row, JobState.CANCELLED)
        elif row.attempt >= row.max_attempts:
            job_changes.end(row, JobState.FAILED, error=f"Its worker fell silent ({_times(row.lost)}).")
        else:
            job_changes.requeue(row, delay=0, reason=f"Its worker fell silent ({_times(row.lost)}).")
    lost_pipelines.tell(job)
    return True


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
