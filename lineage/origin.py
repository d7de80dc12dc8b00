"""What a version was made of, stage by stage, as the history of its repository or its own job recorded it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.mirror_values import keyed
from lineage.models import HistoryCommit, PipelineSnapshot, PipelineStage, StageFile
from lineage.reach import BASE_TAG
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
    """Repository, commit and stages that a version came from; empty where nobody recorded them.

    :ivar base: the commit that the pipeline ran on, where its result is a commit of its own
    :ivar model: path of the model, where the commit declares exactly one
    :ivar logged: data that the run logged with `mlflow.log_input`, by name
    """

    repository: str
    commit: str
    steps: tuple[Step, ...]
    base: str = ""
    model: str = ""
    logged: tuple[DataFile, ...] = ()

    def covering(self, paths: Collection[str]) -> list[DataFile]:
        """Return the outputs that are one of `paths`, or in which one of them lies."""
        outputs = (one for step in self.steps for one in step.outputs)
        return [one for one in outputs if any(f"{path}/".startswith(f"{one.path}/") for path in paths)]


def of(version: ModelVersion) -> Origin:
    """Return where `version` came from. Five queries at most."""
    repository = str(version.lineage.get("stagegate.repository") or "")
    sha = version.commit
    snapshot = _snapshot(repository, sha) if sha else None
    steps = _indexed(snapshot) if snapshot else ()
    if not steps:
        job = version_sources.job_of(version)
        steps = of_lock((job.result.get("lock") if job else None) or {})
    run = version_sources.runs_of(version).get(version.run_id)
    base = str(run.tags.get(BASE_TAG) or "") if run else ""
    logged = tuple(DataFile(one["name"], key) for key, one in keyed(run.inputs if run else ()))
    return Origin(repository, sha, steps, base if base != sha else "", _model(snapshot), logged)


def of_lock(lock: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the stages of a lock as `experiments.pipeline_facts.lock_summary` keeps it."""
    return tuple(
        Step(name, stage["cmd"], _files(stage["deps"]), _files(stage["outs"])) for name, stage in lock.items()
    )


def _files(entries: list[dict[str, Any]]) -> tuple[DataFile, ...]:
    return tuple(DataFile(one["path"], one["md5"] or "", one["size"], one["nfiles"]) for one in entries)


def _snapshot(repository: str, sha: str) -> PipelineSnapshot | None:
    commits = HistoryCommit.objects.filter(sha=sha, snapshot__isnull=False).select_related("snapshot")
    found = (commits.filter(repository__name=repository) if repository else commits).first()
    return found.snapshot if found else None


def _indexed(snapshot: PipelineSnapshot) -> tuple[Step, ...]:
    stages = PipelineStage.objects.filter(entries__snapshot=snapshot, is_locked=True)
    rows = stages.exclude(command="").order_by("entries__position").prefetch_related("files")
    return tuple(_step(stage) for stage in rows)


def _model(snapshot: PipelineSnapshot | None) -> str:
    declared = snapshot.artifacts.values() if snapshot else ()
    paths = {str(one["path"]) for one in declared if one["type"] == "model"}
    return paths.pop() if len(paths) == 1 else ""


def _step(stage: PipelineStage) -> Step:
    files = list(stage.files.all())
    inputs, outputs = (
        tuple(DataFile(one.path, one.hash, one.size, one.nfiles) for one in files if one.role == role)
        for role in (StageFile.Role.INPUT, StageFile.Role.OUTPUT)
    )
    return Step(stage.address, stage.command, inputs, outputs)
