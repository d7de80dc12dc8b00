"""Which of the jobs that wait comes next, which have to wait for their repository, and who is how far.

The best of a queue goes first: by priority, then in the order in which they came. Who has waited for
`settings.JOB_PATIENCE` counts as high, so that nobody waits for ever. Repositories may limit how many of
their pipelines run at a time; a job that has to wait for that keeps nobody else waiting.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, QuerySet, SmallIntegerField, Value, When, Window
from django.db.models.functions import Now, RowNumber

from experiments import runners
from experiments.job_states import Actor, JobState, sources
from experiments.models import Job, Priority, Repository

WAITING = sources(JobState.RUNNING, Actor.WORKER)
# Of a lost job nobody knows yet whether its programs are gone.
_OCCUPYING = (JobState.RUNNING, JobState.LOST)
_TRIED = 20


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands.

    :ivar position: 1 for the one that is next in its queue
    :ivar limit: how many pipelines its repository may run, if that many do; None if it could run
    """

    position: int
    limit: int | None


def candidates(job_id: int) -> list[int]:
    """Return the jobs that could run now in the queue of `job_id`, the one to be tried first in front."""
    queue = Job.objects.filter(pk=job_id).values("queue")
    return list(_ranked(ready().filter(queue__in=queue)).values_list("pk", flat=True)[:_TRIED])


def ready() -> QuerySet[Job]:
    """Return the jobs that wait, are due, and whose repository has a place for them."""
    return _due().exclude(kind__in=_limited(), repository__in=[pk for pk, _limit in _full()])


def has_place(job_id: int) -> bool:
    """Say whether the repository of a job may run one more; holds the answer until the transaction ends."""
    job = Job.objects.filter(pk=job_id, kind__in=_limited()).first()
    if job is None or job.repository_id is None:
        return True
    # Whoever claims for the same repository waits here and counts after us. Not the lock of the key: others
    # insert rows that refer to it.
    locked = Repository.objects.select_for_update(no_key=True).filter(pk=job.repository_id)
    limit = locked.values_list("job_limit", flat=True).first()
    return limit is None or _running().filter(repository=job.repository_id).count() < limit


def waiting_for_place(job: Job, number: int = 1) -> list[Job]:
    """Return the `number` jobs that come next where `job` leaves a place; none if that is not limited."""
    if job.kind not in _limited() or job.repository is None or job.repository.job_limit is None:
        return []
    return next_of(job.repository, number)


def next_of(repository: Repository, number: int) -> list[Job]:
    """Return the jobs of `repository` that come next among those which its limit is about."""
    return list(_ranked(_due().filter(repository=repository, kind__in=_limited()))[:number])


def places(jobs: Collection[Job]) -> dict[int, Place]:
    """Return where those of `jobs` stand that wait and are due. Two queries, none if nobody waits."""
    waiting = [job for job in jobs if job.state in WAITING]
    if not waiting:
        return {}
    order = [F("rank").desc(), F("pk").asc()]
    position = Window(RowNumber(), partition_by=[F("queue")], order_by=order)
    found = _ranked(_due()).annotate(position=position).filter(pk__in=[job.pk for job in waiting])
    positions = dict(found.values_list("pk", "position"))
    full, limited = dict(_full()), _limited()
    return {
        job.pk: Place(positions[job.pk], full.get(job.repository_id or 0) if job.kind in limited else None)
        for job in waiting
        if job.pk in positions
    }


def _due() -> QuerySet[Job]:
    return Job.objects.filter(state__in=WAITING, not_before__lte=Now())


def _running() -> QuerySet[Job]:
    return Job.objects.filter(kind__in=_limited(), state__in=_OCCUPYING)


def _ranked(rows: QuerySet[Job]) -> QuerySet[Any]:
    patience = timedelta(seconds=settings.JOB_PATIENCE)
    old = When(not_before__lte=Now() - patience, then=Value(int(Priority.HIGH)))
    rank = Case(old, default=F("priority"), output_field=SmallIntegerField())
    return rows.annotate(rank=rank).order_by("-rank", "pk")


def _full() -> list[tuple[int, int]]:
    """Return the repositories that run as many as they may, with that number."""
    limits = _running().filter(repository__job_limit__isnull=False).order_by()
    counted = limits.values_list("repository", "repository__job_limit").annotate(busy=Count("pk"))
    full = counted.filter(busy__gte=F("repository__job_limit"))
    return [(pk, limit) for pk, limit, _busy in full if pk is not None and limit is not None]


def _limited() -> list[str]:
    return [kind.name for kind in runners.all_kinds() if kind.limited]
