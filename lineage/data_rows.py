"""Writing the versions of data that stages make or track, each as the first commit that has it says it.

Used by `history_rows` alone, inside of the transaction of `history_index`.
"""

from __future__ import annotations

from collections.abc import Iterable

from experiments.models import Repository
from experiments.stored_text import text
from integrations.git_history import HistoryEntry
from lineage.commit_order import CommitOrder
from lineage.long_lists import texts
from lineage.models import DataVersion
from lineage.stage_records import IMPORT, OUTPUT, TRACKED, FileRecord, StageRecord

_CHUNK = 500
_SAME = ("repository", "path", "hash")
_TOLD = ("algorithm", "size", "nfiles", "kind", "stage", "first_sha", "first_at", "author", "message")
_KINDS = {TRACKED: DataVersion.Kind.TRACKED, IMPORT: DataVersion.Kind.IMPORT}


def write(
    repository: Repository, stages: Iterable[tuple[StageRecord, HistoryEntry]], order: CommitOrder
) -> None:
    """Write the versions that no earlier commit has.

    :param stages: each with the first commit that has it; the first ones first
    """
    found: dict[tuple[str, str], DataVersion] = {}
    for stage, entry in stages:
        for file in stage.files:
            if file.role == OUTPUT and file.hash:
                found.setdefault((file.path, file.hash), _row(repository, stage, file, entry))
    rows = DataVersion.objects.filter(repository=repository, hash__in=texts({value for _, value in found}))
    for path, value, first in rows.values_list("path", "hash", "first_sha"):
        row = found.get((path, value))
        if row and order.place(first) <= order.place(row.first_sha):
            del found[path, value]
    DataVersion.objects.bulk_create(
        found.values(), batch_size=_CHUNK, update_conflicts=True, unique_fields=_SAME, update_fields=_TOLD
    )


def _row(repository: Repository, stage: StageRecord, file: FileRecord, entry: HistoryEntry) -> DataVersion:
    kept = DataVersion.Kind.OUTPUT if file.cached else DataVersion.Kind.IN_GIT
    return DataVersion(
        repository=repository,
        path=file.path,
        hash=file.hash,
        algorithm=file.algorithm,
        size=file.size,
        nfiles=file.nfiles,
        kind=_KINDS.get(stage.kind, kept),
        stage=stage.address,
        first_sha=entry.sha,
        first_at=entry.committed_at,
        author=text(entry.author, 250),
        message=text(entry.subject, 500),
    )
