"""Operations: have the history of a repository indexed.

After every fetch that moved a branch or tag, after every pipeline (its result is a commit), and by a chore
for those whose news got lost. One pass of a repository at a time: what a pass may have missed is asked for
when it has ended. After a pass that failed, nobody but a person who fetches has it tried again at once.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import trail
from experiments import job_changes, runners
from experiments.job_states import ACTIVE, JobState
from experiments.models import Job, Repository
from lineage.models import HistoryState
from lineage.refs_digest import refs_digest

KIND = "index"
#: After the first, second, ... failure in a row; the last one repeats.
PAUSES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_LONGEST_ERROR = 1_000


def on_job_finished(*, job: Job, **_: Any) -> None:
    """Have a repository indexed whose commits may have changed by `job`; a receiver of the signal."""
    if job.repository is None:
        return
    if job.kind == KIND:
        _after_pass(job, job.repository)
    elif job.state == JobState.SUCCEEDED and _brings_news(job, job.repository):
        by_person = job.kind == "fetch" and job.submitted_by is not None
        if by_person or not is_pausing(job.repository):
            request(job.repository, user=job.submitted_by, name=job.submitted_by_name)


def catch_up() -> None:
    """Have every repository indexed that is behind; a chore."""
    for repository in Repository.objects.filter(fetched_at__isnull=False):
        if is_behind(repository) and not is_pausing(repository):
            request(repository)


def is_pausing(repository: Repository) -> bool:
    """Whether the last pass failed not long enough ago for another try. One query."""
    ended = repository.jobs.filter(kind=KIND).exclude(state__in=ACTIVE).order_by("-pk")
    last = ended.values_list("state", "finished_at")[: len(PAUSES)]
    failed = list(takewhile(lambda pair: pair[0] != JobState.SUCCEEDED, last))
    if not failed or failed[0][1] is None:
        return False
    return timezone.now() < failed[0][1] + PAUSES[len(failed) - 1]


def is_behind(repository: Repository) -> bool:
    """Whether branches or tags moved since the last pass. Two queries."""
    state = HistoryState.objects.filter(repository=repository).first()
    return state is None or state.refs_digest != refs_digest(repository)


@transaction.atomic
def request(repository: Repository, *, user: User | None = None, name: str = "") -> Job:
    """Queue a pass; one that waits or runs is returned as it is.

    :param user: whose fetch or pipeline brought the news; None: the product itself
    """
    # Who asks at the same time waits here. Not of the key, see `experiments.commit_index`.
    Repository.objects.select_for_update(no_key=True).filter(pk=repository.pk).first()
    active = repository.jobs.filter(kind=KIND, state__in=ACTIVE).first()
    if active is not None:
        return active
    return job_changes.create(
        runners.get(KIND),
        {"repository": repository.name},
        submitter=user,
        name=name or trail.SYSTEM.name,
        repository=repository,
        actor=trail.SYSTEM,
    )


def _brings_news(job: Job, repository: Repository) -> bool:
    return job.kind == "pipeline" or (job.kind == "fetch" and is_behind(repository))


def _after_pass(job: Job, repository: Repository) -> None:
    if job.state == JobState.FAILED:
        HistoryState.objects.update_or_create(
            repository=repository, defaults={"error": job.error[:_LONGEST_ERROR]}
        )
    elif job.state == JobState.SUCCEEDED:
        results = repository.jobs.filter(kind="pipeline", state=JobState.SUCCEEDED)
        missed = job.started_at is not None and results.filter(finished_at__gte=job.started_at).exists()
        if missed or is_behind(repository):
            request(repository)
