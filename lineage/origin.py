"""What a version was made of, stage by stage, as the history of its repository or its own job recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage.models import HistoryCommit, PipelineStage, StageFile
from registry import version_sources
from registry.models import ModelVersion


@dataclass(frozen=True)
class DataFile:
    """A file or folder with DVC's hash of its content (empty: not known) and its size in bytes."""

    path: str
    hash: str
    size: int | None = None
    nfiles: int | None = None


@dataclass(frozen=True)
class Step:
    """One stage of the pipeline as it ran."""

    name: str
    command: str
    inputs: tuple[DataFile, ...]
    outputs: tuple[DataFile, ...]


@dataclass(frozen=True)
class Origin:
    """Repository, commit and stages that a version came from; empty where nobody recorded them."""

    repository: str
    commit: str
    steps: tuple[Step, ...]


def of(version: ModelVersion) -> Origin:
    """Return where `version` came from. Four queries at most."""
    repository = str(version.lineage.get("stagegate.repository") or "")
    sha = version.commit
    steps = _indexed(repository, sha) if sha else ()
    if not steps:
        job = version_sources.job_of(version)
        steps = of_lock((job.result.get("lock") if job else None) or {})
    return Origin(repository, sha, steps)


def of_lock(lock: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the stages of a lock as `experiments.pipeline_facts.lock_summary` keeps it."""
    return tuple(
        Step(name, stage["cmd"], _files(stage["deps"]), _files(stage["outs"])) for name, stage in lock.items()
    )


def _files(entries: list[dict[str, Any]]) -> tuple[DataFile, ...]:
    return tuple(DataFile(one["path"], one["md5"] or "", one["size"], one["nfiles"]) for one in entries)


def _indexed(repository: str, sha: str) -> tuple[Step, ...]:
    commits = HistoryCommit.objects.filter(sha=sha, snapshot__isnull=False)
    found = (commits.filter(repository__name=repository) if repository else commits).first()
    if found is None:
        return ()
    stages = PipelineStage.objects.filter(entries__snapshot=found.snapshot_id, is_locked=True)
    rows = stages.exclude(command="").order_by("entries__position").prefetch_related("files")
    return tuple(_step(stage) for stage in rows)


def _step(stage: PipelineStage) -> Step:
    files = list(stage.files.all())
    inputs, outputs = (
        tuple(DataFile(one.path, one.hash, one.size, one.nfiles) for one in files if one.role == role)
        for role in (StageFile.Role.INPUT, StageFile.Role.OUTPUT)
    )
    return Step(stage.address, stage.command, inputs, outputs)
