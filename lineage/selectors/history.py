"""The commits of a repository, and which of them have files that cannot be read."""

from django.core.paginator import Page, Paginator
from django.db.models import Q

from experiments.models import Repository
from lineage.models import CommitInputs, HistoryCommit

PAGE_SIZE = 50


def commits_page(
    repository: Repository, number: str | None, *, troubled: bool = False
) -> "Page[HistoryCommit]":
    """Return one page of the indexed commits, the newest first. Two queries.

    :param troubled: only those with files that cannot be read
    """
    rows = repository.history.select_related("snapshot", "inputs").defer(
        "snapshot__artifacts", "inputs__params", "inputs__code"
    )
    if troubled:
        rows = rows.filter(_has_problems(repository))
    return Paginator(rows, PAGE_SIZE).get_page(number)


def troubled_count(repository: Repository) -> int:
    """Return how many commits have files that cannot be read. One query."""
    return repository.history.filter(_has_problems(repository)).count()


def _has_problems(repository: Repository) -> Q:
    snapshots = repository.snapshots.exclude(problems=[]).values("pk")
    inputs = CommitInputs.objects.filter(repository=repository).exclude(problems=[]).values("pk")
    return Q(snapshot__in=snapshots) | Q(inputs__in=inputs)
