"""The files that Git tracks and stages read: code, settings, small data."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lineage.long_lists import texts
from lineage.models import HistoryCommit, StageFile

_READERS = 20_000


@dataclass(frozen=True)
class CodeFile:
    """A file or folder as a commit has it; equal if its content is.

    :ivar oid: the object of Git
    :ivar stages: addresses of the stages that read it there
    """

    oid: str
    stages: tuple[str, ...] = field(default=(), compare=False)


def of(shas: Collection[str]) -> dict[str, Mapping[str, CodeFile]]:
    """Return the files by path of each commit that is indexed. Two queries."""
    rows = HistoryCommit.objects.filter(sha__in=shas, inputs__isnull=False).order_by("-pk")
    told = {
        sha: (code, snapshot) for sha, code, snapshot in rows.values_list("sha", "inputs__code", "snapshot")
    }
    readers: dict[tuple[int, str], list[str]] = defaultdict(list)
    read = StageFile.objects.filter(
        role=StageFile.Role.INPUT,
        path__in=texts({path for code, _ in told.values() for path in code}),
        stage__entries__snapshot__in={snapshot for _, snapshot in told.values() if snapshot},
    ).order_by("stage__entries__position", "pk")
    for snapshot, path, address in read.values_list("stage__entries__snapshot", "path", "stage__address")[
        :_READERS
    ]:
        readers[snapshot, path].append(address)
    return {
        sha: {path: CodeFile(oid, tuple(readers[snapshot, path])) for path, oid in code.items()}
        for sha, (code, snapshot) in told.items()
    }
