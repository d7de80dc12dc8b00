"""Operations: have the history of a repository indexed.

After every fetch that moved a branch or tag, after every pipeline (its result is a commit), and by a chore
for those whose news got lost.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import User
from audit import trail
from experiments import job_changes, runners
from experiments.job_states import JobState
from experiments.models import Job, Repository
from lineage.models import HistoryState
from lineage.refs_digest import refs_digest

KIND = "index"


def on_job_finished(*, job: Job, **_: Any) -> None:
    """Have a repository indexed whose commits may have changed by `job`; a receiver of the signal."""
    if job.repository is None or job.state != JobState.SUCCEEDED:
        return
    if job.kind == "pipeline" or (job.kind == "fetch" and is_behind(job.repository)):
        request(job.repository, user=job.submitted_by, name=job.submitted_by_name)


def catch_up() -> None:
    """Have every repository indexed that is behind; a chore."""
    for repository in Repository.objects.filter(fetched_at__isnull=False):
        if is_behind(repository):
            request(repository)


def is_behind(repository: Repository) -> bool:
    """Whether branches or tags moved since the last pass. Two queries."""
    state = HistoryState.objects.filter(repository=repository).first()
    return state is None or state.refs_digest != refs_digest(repository)


@transaction.atomic
def request(repository: Repository, *, user: User | None = None, name: str = "") -> Job:
    """Queue a pass; one that waits already is returned as it is.

    :param user: whose fetch or pipeline brought the news; None: the product itself
    """
    waiting = repository.jobs.filter(kind=KIND, state=JobState.QUEUED).first()
    if waiting is not None:
        return waiting
    return job_changes.create(
        runners.get(KIND),
        {"repository": repository.name},
        submitter=user,
        name=name or trail.SYSTEM.name,
        repository=repository,
        actor=trail.SYSTEM,
    )
