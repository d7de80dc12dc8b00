"""`python -m bench.lineage_rows`: writes what a lineage graph of 100,000 nodes is read from, as rows.

Through the interface that would take days: every version has its artifacts hashed, every promotion its gates
run. The same rows each time; prints what to ask about.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

COMMITS = 5_000
RUNS = 40_000
VERSIONS = 20_000
MODELS = 200
#: Data sets that runs read; each of them reached 333 versions.
SHARED = 60
#: Stages of one commit, each with data of its own; a version came from it.
WIDE = 450
START = datetime(2026, 1, 1, tzinfo=UTC)
_NAME = "lineage"


def main() -> None:
    """Write the rows unless they are there, and print what to ask about."""
    django.setup()
    from experiments.models import Repository

    if not Repository.objects.filter(name=_NAME).exists():
        _write()
    json.dump(
        {
            "nodes": _nodes(),
            "version": f"version:{model_name(0)}@1.0.0",
            "data": f"data:{_NAME}:data@{hashed('data', 0)}",
            "wide": f"version:{model_name(0)}@2.0.0",
            # Nine tenths of the runs had started.
            "at": at(RUNS * 9 // 10).isoformat(),
            # Everything had happened.
            "end": at(2 * RUNS).isoformat(),
        },
        sys.stdout,
    )


def _nodes() -> int:
    from experiments.models import Run
    from lineage.models import DataVersion, HistoryCommit, PipelineStage
    from registry.models import Deployment, ModelVersion, Promotion

    tables: list[Any] = [Run, DataVersion, HistoryCommit, PipelineStage, Deployment, ModelVersion, Promotion]
    return sum(table.objects.count() for table in tables)


def hashed(*parts: object) -> str:
    """Return the MD5 of what names a thing, as everything of DVC has one."""
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _sha(commit: int) -> str:
    return hashlib.sha1(b"%d" % commit, usedforsecurity=False).hexdigest()


def at(minutes: float) -> datetime:
    """Return the instant so many minutes after everything began."""
    return START + timedelta(minutes=minutes)


def model_name(number: int) -> str:
    """Return the name of a registered model."""
    return f"model-{number:03}"


def made(table: Any, rows: Iterable[Any]) -> list[Any]:
    """Write the rows, and return them with their keys."""
    return list(table.objects.bulk_create(rows, batch_size=1_000))


def _write() -> None:
    from django.db import transaction

    from bench import lineage_versions

    with transaction.atomic():
        _write_history()
        _write_runs()
        lineage_versions.write()


def _write_history() -> None:
    """One commit after the other, each with data of its own and a stage; the last one has many."""
    from experiments.models import Repository
    from lineage.models import HistoryCommit, PipelineSnapshot, PipelineStage, SnapshotStage

    here = Repository.objects.create(name=_NAME, url="file:///nowhere", experiment_name=_NAME)
    shas = [_sha(commit) for commit in range(COMMITS)]
    snapshots = made(
        PipelineSnapshot, (PipelineSnapshot(repository=here, digest=hashed("snapshot", sha)) for sha in shas)
    )
    made(
        HistoryCommit,
        (
            HistoryCommit(
                repository=here,
                sha=sha,
                subject=f"Commit {number}",
                author="engineer",
                committed_at=at(number),
                snapshot=snapshots[number],
            )
            for number, sha in enumerate(shas)
        ),
    )
    places = [(commit, 0) for commit in range(COMMITS)] + [(COMMITS - 1, one) for one in range(1, WIDE)]
    stages = made(PipelineStage, (_stage(here, commit, one) for commit, one in places))
    made(
        SnapshotStage,
        (
            SnapshotStage(snapshot=snapshots[commit], stage=stage, position=one)
            for (commit, one), stage in zip(places, stages, strict=True)
        ),
    )
    _write_files("input", stages, [hashed("data", *place[: 1 + bool(place[1])]) for place in places])
    _write_files("output", stages, [hashed("model", *place) for place in places])


def _stage(repository: Any, commit: int, number: int) -> Any:
    from lineage.models import PipelineStage

    return PipelineStage(
        repository=repository,
        digest=hashed("stage", commit, number),
        address=f"train-{number}",
        file="dvc.yaml",
        name=f"train-{number}",
        kind=PipelineStage.Kind.PIPELINE,
        command="python train.py",
        is_locked=True,
        first_sha=_sha(commit),
        first_at=at(commit),
    )


def _write_files(role: str, stages: list[Any], hashes: list[str]) -> None:
    """Write what stages read or made, one file each, and the versions of data that these are."""
    from lineage.models import DataVersion, StageFile

    files = list(zip(stages, hashes, strict=True))
    path, kind = ("data", "tracked") if role == "input" else ("model", "output")
    made(StageFile, (StageFile(stage=stage, role=role, path=path, hash=value) for stage, value in files))
    made(
        DataVersion,
        (
            DataVersion(
                repository=stage.repository,
                path=path,
                hash=value,
                kind=kind,
                first_sha=stage.first_sha,
                first_at=stage.first_at,
                author="engineer",
                message="New scans",
            )
            for stage, value in files
        ),
    )


def _write_runs() -> None:
    """Results of pipelines, a minute after each other; the last one is of the commit with many stages."""
    from experiments.models import Experiment, Run, RunTag

    experiment = Experiment.objects.create(experiment_id=_NAME, name=_NAME)
    runs = made(
        Run,
        (
            Run(
                run_id=hashed("run", number),
                experiment=experiment,
                name=f"run-{number}",
                status="FINISHED",
                started_at=at(number),
                ended_at=at(number + 1),
                duration=60_000,
                metrics={"val_cer": number / RUNS},
                tags=_tags(number),
                digest="written directly",
                series_digest="written directly",
                seen_at=START,
            )
            for number in range(RUNS + 1)
        ),
    )
    made(
        RunTag,
        (RunTag(run=run, key=key, value=value) for run in runs for key, value in run.tags.items()),
    )


def _tags(run: int) -> dict[str, str]:
    commit = COMMITS - 1 if run == RUNS else run % (COMMITS - 1)
    return {"git_commit": _sha(commit), "dataset_hash": hashed("data", run % SHARED), "stagegate.job": "1"}


if __name__ == "__main__":
    main()
