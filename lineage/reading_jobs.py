"""Operation: have a worker read what lies in DVC's cache or remote; pages look at the rows it writes."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from experiments import job_changes, runners
from experiments.job_states import ACTIVE
from experiments.models import Job, Repository
from experiments.repositories import target


def request(kind: str, repository: Repository, wanted: dict[str, Any], *, user: User) -> Job:
    """Queue a job that reads what is `wanted`, the payload beside the name of the repository.

    A job that waits or runs for the same is returned as it is.

    :raises PermissionDenied: `user` may not have it read
    """
    access.require(user, Permission.DATA_READ, target=target(repository))
    with transaction.atomic():
        return under_way(kind, repository, wanted) or job_changes.create(
            runners.get(kind),
            _payload(repository, wanted),
            submitter=user,
            name=user.username,
            repository=repository,
        )


def under_way(kind: str, repository: Repository, wanted: dict[str, Any]) -> Job | None:
    """Return the job that reads what is `wanted`, if one waits or runs. One query."""
    payload = _payload(repository, wanted)
    jobs = repository.jobs.filter(kind=kind, state__in=ACTIVE)
    return next((job for job in jobs if job.payload == payload), None)


def _payload(repository: Repository, wanted: dict[str, Any]) -> dict[str, Any]:
    return {"repository": repository.name, **wanted}
