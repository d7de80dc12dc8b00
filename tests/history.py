"""Factories of indexed history for tests: commits, their snapshots, stages, and versions of data."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from django.utils import timezone

from experiments.models import Repository
from lineage import plot_records
from lineage.models import (
    CommitPlots,
    DataVersion,
    HistoryCommit,
    PipelineSnapshot,
    PipelineStage,
    PlotFile,
    SnapshotStage,
    StageFile,
    UpdatePlan,
)
from lineage.plot_records import FileState, PlotRecord, PlottedFile

_numbers = count(1)


def make_stage(
    repository: Repository,
    address: str,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    **changes: Any,
) -> PipelineStage:
    """Create a stage that read and made files, given as path -> hash."""
    number = next(_numbers)
    columns = {
        "digest": f"{number:064x}",
        "address": address,
        "file": "dvc.yaml",
        "name": address,
        "kind": PipelineStage.Kind.PIPELINE,
        "command": f"python {address}.py",
        "locked_command": f"python {address}.py",
        "is_locked": True,
        "first_sha": f"{number:040x}",
        "first_at": timezone.now(),
    }
    stage = PipelineStage.objects.create(repository=repository, **{**columns, **changes})
    for role, files in ((StageFile.Role.INPUT, inputs), (StageFile.Role.OUTPUT, outputs)):
        for path, value in (files or {}).items():
            StageFile.objects.create(stage=stage, role=role, path=path, hash=value, algorithm="md5")
    return stage


def make_snapshot(
    repository: Repository, stages: Sequence[PipelineStage], **changes: Any
) -> PipelineSnapshot:
    """Create a snapshot that has `stages`, in the order in which they run."""
    digest = sha256(" ".join(stage.digest for stage in stages).encode()).hexdigest()
    snapshot = PipelineSnapshot.objects.create(repository=repository, **{"digest": digest, **changes})
    for position, stage in enumerate(stages):
        SnapshotStage.objects.create(snapshot=snapshot, stage=stage, position=position)
    return snapshot


def make_history(
    repository: Repository, snapshot: PipelineSnapshot | None = None, **changes: Any
) -> HistoryCommit:
    """Create a commit of the history; each is a second younger than the one before."""
    number = next(_numbers)
    columns = {
        "sha": f"{number:040x}",
        "subject": f"Change number {number}",
        "author": "Receipt team",
        "committed_at": timezone.now() - timedelta(days=1) + timedelta(seconds=number),
        "snapshot": snapshot,
    }
    return HistoryCommit.objects.create(repository=repository, **{**columns, **changes})


def make_plots(
    commit: HistoryCommit, plots: Sequence[PlotRecord], files: Mapping[str, str | FileState | PlottedFile]
) -> CommitPlots:
    """Give a commit plots, with the content of their files, or why it is not kept."""
    row = CommitPlots.objects.create(
        repository=commit.repository,
        digest=f"{next(_numbers):064x}",
        plots=plot_records.as_json(plots),
        files=plot_records.files_as_json(
            {path: _plotted(commit.repository, content) for path, content in files.items()}
        ),
    )
    commit.plots = row
    commit.save(update_fields=["plots"])
    return row


def _plotted(repository: Repository, content: str | FileState | PlottedFile) -> PlottedFile:
    if isinstance(content, PlottedFile):
        return content
    if isinstance(content, FileState):
        return PlottedFile(content)
    oid = sha256(content.encode()).hexdigest()
    kept = plot_records.packed(content)
    PlotFile.objects.get_or_create(
        repository=repository, oid=oid, defaults={"packed": kept, "size": len(kept)}
    )
    return PlottedFile(FileState.KEPT, oid)


def make_plan(repository: Repository, **changes: Any) -> UpdatePlan:
    """Create the plan of when a repository is fetched by itself."""
    return UpdatePlan.objects.create(repository=repository, **changes)


def make_data(repository: Repository, path: str, value: str, **changes: Any) -> DataVersion:
    """Create a version of the data at `path`."""
    number = next(_numbers)
    columns = {
        "kind": DataVersion.Kind.OUTPUT,
        "size": 1000 * number,
        "first_sha": f"{number:040x}",
        "first_at": timezone.now() - timedelta(days=1) + timedelta(seconds=number),
        "author": "Receipt team",
        "message": f"Change number {number}",
    }
    return DataVersion.objects.create(repository=repository, path=path, hash=value, **{**columns, **changes})
