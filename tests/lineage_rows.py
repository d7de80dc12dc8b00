"""Factories of the history of repositories, data and runs made from it, for tests of lineage."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from experiments.models import Repository, Run
from lineage.models import (
    DataVersion,
    HistoryCommit,
    PipelineSnapshot,
    PipelineStage,
    SnapshotStage,
    StageFile,
)
from tests.stage_events import day
from tests.versions import make_run

RAW, PROCESSED, MODELS = "a" * 32 + ".dir", "b" * 32 + ".dir", "e" * 32 + ".dir"
SHA = "1" * 40


def make_stage(
    repository: Repository,
    address: str,
    *,
    reads: Iterable[tuple[str, str]] = (),
    makes: Iterable[tuple[str, str]] = (),
    sha: str = SHA,
    at: datetime | None = None,
    in_git: bool = False,
    **changes: Any,
) -> PipelineStage:
    """Create a stage that reads and makes (path, hash); what it makes is known as data.

    :param in_git: whether Git keeps what it makes
    """
    content = repr((address, list(reads), list(makes), sha, changes))
    stage = PipelineStage.objects.create(
        **{
            "repository": repository,
            "digest": hashlib.sha256(content.encode()).hexdigest(),
            "address": address,
            "file": "dvc.yaml",
            "name": address,
            "kind": PipelineStage.Kind.PIPELINE,
            "command": f"python {address}.py",
            "is_locked": True,
            "first_sha": sha,
            "first_at": at or day(1),
            **changes,
        }
    )
    for role, files in (("input", reads), ("output", makes)):
        for path, value in files:
            file = {"role": role, "path": path, "hash": value, "nfiles": 3, "size": 100, "cached": not in_git}
            StageFile.objects.create(stage=stage, **file)
    made = "in_git" if in_git else "output"
    kind = made if stage.kind == PipelineStage.Kind.PIPELINE else stage.kind
    for path, value in makes:
        make_data(repository, path, value, kind=kind, sha=sha, at=stage.first_at)
    return stage


def make_data(
    repository: Repository, path: str, value: str, *, kind: str = "tracked", sha: str = SHA, **changes: Any
) -> DataVersion:
    """Create a data version of three files, once."""
    at = changes.pop("at", None) or day(1)
    defaults = {"size": 100, "nfiles": 3, "kind": kind, "first_sha": sha, "first_at": at, **changes}
    defaults |= {"author": "Data team", "message": "New scans"}
    return DataVersion.objects.get_or_create(repository=repository, path=path, hash=value, defaults=defaults)[
        0
    ]


def make_history_commit(
    repository: Repository, sha: str, stages: Iterable[PipelineStage] = (), **changes: Any
) -> HistoryCommit:
    """Create a commit whose pipeline has `stages`."""
    found = list(stages)
    digest = hashlib.sha256(repr((sha, [stage.pk for stage in found])).encode()).hexdigest()
    snapshot = PipelineSnapshot.objects.create(repository=repository, digest=digest)
    for position, stage in enumerate(found):
        SnapshotStage.objects.create(snapshot=snapshot, stage=stage, position=position)
    columns = {"subject": "Better scans", "author": "engineer", "committed_at": day(1), **changes}
    return HistoryCommit.objects.create(repository=repository, sha=sha, snapshot=snapshot, **columns)


def make_pipeline(repository: Repository, sha: str = SHA) -> HistoryCommit:
    """Create raw data, put there at `sha`, and the two stages that make a model from it."""
    tracked = make_stage(repository, "data/raw.dvc", makes=[("data/raw", RAW)], kind="tracked", sha=sha)
    preprocess = make_stage(
        repository, "preprocess", reads=[("data/raw", RAW)], makes=[("data/out", PROCESSED)], sha=sha
    )
    train = make_stage(
        repository,
        "train",
        reads=[("data/out", PROCESSED), ("src/train.py", "f" * 32)],
        makes=[("models", MODELS)],
        sha=sha,
    )
    return make_history_commit(repository, sha, [tracked, preprocess, train])


def make_job_run(sha: str = SHA, data: str = RAW, **tags: str) -> Run:
    """Create the run of a pipeline job whose result is the commit `sha`."""
    told = {"git_commit": sha, "dataset_hash": data, "dataset_name": "scans", "stagegate.job": "41"}
    return make_run(tags={**told, **tags}, started_at=day(2), ended_at=day(2))


def make_plain_run(sha: str = SHA, data: str = RAW, **changes: Any) -> Run:
    """Create a run as the plain `mlflow` client logs it."""
    tags = {"mlflow.source.git.commit": sha, **({"dataset_hash": data} if data else {})}
    return make_run(**{"tags": tags, "started_at": day(2), "ended_at": day(2), **changes})
