"""Writing what was read of commits: each distinct stage, snapshot and input once, then the commits.

Used by `history_index` alone, inside of its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model

from experiments.models import Repository
from experiments.stored_text import text
from integrations.git_history import HistoryEntry
from lineage import data_rows
from lineage.commit_order import CommitOrder
from lineage.long_lists import texts
from lineage.models import (
    CommitInputs,
    HistoryCommit,
    PipelineSnapshot,
    PipelineStage,
    SnapshotStage,
    StageFile,
)
from lineage.plot_reading import Plots
from lineage.stage_records import StageRecord
from lineage.tree_reading import Inputs, Snapshot

_CHUNK = 500
_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True)
class Reading:
    """A commit and what its tree says."""

    entry: HistoryEntry
    snapshot: Snapshot | None
    inputs: Inputs
    plots: Plots


def write(repository: Repository, readings: Sequence[Reading], order: CommitOrder) -> None:
    """Write the commits, ancestors first, what of their content is new, and what they had before others.

    :param order: of all commits that are known, these among them
    """
    stages = _stages(repository, readings, order)
    snapshots = _snapshots(repository, readings, stages)
    inputs = _inputs(repository, readings)
    HistoryCommit.objects.bulk_create(
        (
            HistoryCommit(
                repository=repository,
                sha=one.entry.sha,
                parents=list(one.entry.parents),
                subject=text(one.entry.subject, 500),
                author=text(one.entry.author, 250),
                committed_at=one.entry.committed_at,
                snapshot_id=snapshots[one.snapshot.digest] if one.snapshot else None,
                inputs_id=inputs[one.inputs.digest],
            )
            for one in readings
        ),
        ignore_conflicts=True,
    )


def _stages(repository: Repository, readings: Sequence[Reading], order: CommitOrder) -> dict[str, int]:
    """Return digest -> key of every stage of `readings`; write what is new or was first there, with data."""
    first: dict[str, tuple[StageRecord, HistoryEntry]] = {}
    for one in sorted(readings, key=lambda one: order.place(one.entry.sha)):
        for stage in one.snapshot.stages if one.snapshot else ():
            first.setdefault(stage.digest, (stage, one.entry))
    known = known_keys(PipelineStage, repository, first)
    new = [pair for digest, pair in first.items() if digest not in known]
    rows = PipelineStage.objects.bulk_create(
        [_stage_row(repository, stage, entry) for stage, entry in new], batch_size=_CHUNK
    )
    StageFile.objects.bulk_create(
        (
            StageFile(stage=row, **{**asdict(file), "source": dict(file.source)})
            for row, (stage, _) in zip(rows, new, strict=True)
            for file in stage.files
        ),
        batch_size=_CHUNK,
    )
    late = _move_to_first(repository, {digest: first[digest] for digest in known}, order)
    firsts = [pair for digest, pair in first.items() if digest in late or digest not in known]
    data_rows.write(repository, firsts, order)
    return known | {row.digest: row.pk for row in rows}


def _move_to_first(
    repository: Repository, found: Mapping[str, tuple[StageRecord, HistoryEntry]], order: CommitOrder
) -> set[str]:
    """Correct the first commit of stages that are here from a later one; return their digests."""
    rows = PipelineStage.objects.filter(repository=repository, digest__in=texts(found))
    late = {
        digest
        for digest, sha in rows.values_list("digest", "first_sha")
        if order.place(found[digest][1].sha) < order.place(sha)
    }
    PipelineStage.objects.bulk_create(
        (_stage_row(repository, *found[digest]) for digest in sorted(late)),
        batch_size=_CHUNK,
        update_conflicts=True,
        unique_fields=("repository", "digest"),
        update_fields=("first_sha", "first_at"),
    )
    return late


def _stage_row(repository: Repository, stage: StageRecord, entry: HistoryEntry) -> PipelineStage:
    return PipelineStage(
        repository=repository,
        digest=stage.digest,
        address=stage.address,
        file=stage.file,
        name=stage.name,
        kind=stage.kind,
        command=stage.command,
        locked_command=stage.locked_command,
        is_locked=stage.is_locked,
        parameters=dict(stage.parameters),
        definition=dict(stage.definition),
        first_sha=entry.sha,
        first_at=entry.committed_at,
    )


def _snapshots(
    repository: Repository, readings: Sequence[Reading], stages: Mapping[str, int]
) -> dict[str, int]:
    found = {one.snapshot.digest: one.snapshot for one in readings if one.snapshot}
    known = known_keys(PipelineSnapshot, repository, found)
    new = [snapshot for digest, snapshot in found.items() if digest not in known]
    rows = PipelineSnapshot.objects.bulk_create(
        PipelineSnapshot(
            repository=repository,
            digest=snapshot.digest,
            artifacts=snapshot.artifacts,
            problems=snapshot.problems,
        )
        for snapshot in new
    )
    SnapshotStage.objects.bulk_create(
        (
            SnapshotStage(snapshot=row, stage_id=stages[stage.digest], position=position)
            for row, snapshot in zip(rows, new, strict=True)
            for position, stage in enumerate(snapshot.stages)
        ),
        batch_size=_CHUNK,
    )
    return known | {row.digest: row.pk for row in rows}


def _inputs(repository: Repository, readings: Sequence[Reading]) -> dict[str, int]:
    found = {one.inputs.digest: one.inputs for one in readings}
    known = known_keys(CommitInputs, repository, found)
    rows = CommitInputs.objects.bulk_create(
        CommitInputs(repository=repository, **asdict(inputs))
        for digest, inputs in found.items()
        if digest not in known
    )
    return known | {row.digest: row.pk for row in rows}


def known_keys(model: type[_M], repository: Repository, digests: Iterable[str]) -> dict[str, int]:
    """Return digest -> key of the rows that are here already."""
    found: dict[str, int] = {}
    for chunk in _chunks(digests):
        rows: Any = model._default_manager.filter(repository=repository, digest__in=chunk)
        found.update(rows.values_list("digest", "pk"))
    return found


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    source = iter(values)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk
