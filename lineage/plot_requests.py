"""Operation: have files of plots read that DVC keeps, of a commit and of the one it is compared with."""

from __future__ import annotations

from accounts.models import User
from experiments.models import Job, Repository
from lineage import reading_jobs
from lineage.models import HistoryCommit

KIND = "read_plots"


def request(repository: Repository, commit: HistoryCommit, base: HistoryCommit | None, *, user: User) -> Job:
    """Queue the reading of the files; a job that waits or runs for the same is returned as it is.

    :raises PermissionDenied: `user` may not have it read
    """
    return reading_jobs.request(KIND, repository, _wanted(commit, base), user=user)


def under_way(repository: Repository, commit: HistoryCommit, base: HistoryCommit | None) -> Job | None:
    """Return the job that reads them, if one waits or runs. One query."""
    return reading_jobs.under_way(KIND, repository, _wanted(commit, base))


def _wanted(commit: HistoryCommit, base: HistoryCommit | None) -> dict[str, list[str]]:
    return {"commits": [one.sha for one in (commit, base) if one is not None]}
