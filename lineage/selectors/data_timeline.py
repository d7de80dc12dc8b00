"""The contents of one path over time: along the default branch since when and until when, then all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from experiments.models import Repository
from lineage import data_intervals
from lineage.data_intervals import Interval
from lineage.long_lists import numbers
from lineage.models import DataVersion, HistoryCommit, StageFile
from lineage.selectors.data import PAGE_SIZE, versions_of

#: Commits that are read at most, the newest.
LIMIT = 250_000


@dataclass(frozen=True)
class TimeRow:
    """A content, as long as the default branch had it.

    :ivar since: the commit that brought it; None: the branch never had it
    :ivar until: the one that took it away
    """

    version: DataVersion
    since: HistoryCommit | None = None
    until: HistoryCommit | None = None

    @property
    def is_current(self) -> bool:
        """Whether the default branch has it."""
        return self.since is not None and self.until is None


def page_of(
    repository: Repository, path: str, tip: HistoryCommit | None, number: str | None
) -> "Page[TimeRow]":
    """Return one page of the contents of `path`, the newest first. Five queries.

    :param tip: the newest commit of the default branch
    """
    intervals = intervals_of(repository, path, tip)
    versions = {row.hash: row for row in versions_of(repository, path)}
    known = [one for one in intervals if one.hash in versions]
    seen = {one.hash for one in known}
    others = [Interval(value, "") for value in versions if value not in seen]
    paginator: Paginator[Any] = Paginator([*known, *others], PAGE_SIZE)
    page = paginator.get_page(number)
    shas = {sha for one in page.object_list for sha in (one.since, one.until) if sha}
    commits = {row.sha: row for row in repository.history.filter(sha__in=shas)}
    rows = [
        TimeRow(versions[one.hash], commits.get(one.since), commits.get(one.until))
        for one in page.object_list
    ]
    return Page(rows, page.number, paginator)


def before(version: DataVersion, tip: HistoryCommit | None) -> DataVersion | None:
    """Return what the default branch had at this path before it last had `version`. Four queries.

    Of a content that it never had: the one that is the next older.
    """
    intervals = intervals_of(version.repository, version.path, tip)
    places = [place for place, one in enumerate(intervals) if one.hash == version.hash]
    rows = versions_of(version.repository, version.path)
    if not places:
        at_once = Q(first_at=version.first_at, pk__lt=version.pk)
        return rows.filter(at_once | Q(first_at__lt=version.first_at)).first()
    older = intervals[places[0] + 1 :][:1]
    return rows.filter(hash=older[0].hash).first() if older else None


def intervals_of(repository: Repository, path: str, tip: HistoryCommit | None) -> list[Interval]:
    """Return the contents of `path` along the first parents of `tip`, the newest first. Three queries."""
    if tip is None:
        return []
    commits = repository.history.order_by("-pk")
    told = commits.values_list("sha", Cast("parents", TextField()), "snapshot")[:LIMIT]
    parents: dict[str, Sequence[str]] = {}
    snapshots: dict[str, int | None] = {}
    for sha, text, snapshot in told.iterator(chunk_size=5_000):
        parents[sha], snapshots[sha] = text.split('"')[1::2], snapshot
    line = data_intervals.first_parents(tip.sha, parents)
    files = StageFile.objects.filter(path=path, role=StageFile.Role.OUTPUT, stage__repository=repository)
    known: dict[int | None, str | None] = dict(
        files.exclude(hash="").order_by().values_list("stage__entries__snapshot", "hash")
    )
    without = {key for sha in line if (key := snapshots[sha]) is not None and key not in known}
    if without:
        # A file that could not be read may have told of it.
        troubled = repository.snapshots.filter(pk__in=numbers(without)).exclude(problems=[])
        known |= dict.fromkeys(troubled.values_list("pk", flat=True))
    return data_intervals.of((sha, known.get(snapshots[sha], "")) for sha in line)
