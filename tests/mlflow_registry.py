"""What tests of the registry's jobs share: runs with small files for a model, and jobs that run at once."""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from mlflow import MlflowClient

from accounts.models import User
from experiments import execution, job_changes, job_logs, job_reaper, runners, sync
from experiments.models import Job, Run
from integrations.artifacts import Artifacts, manifest_digest
from integrations.mlflow_server import MLflowServer
from registry.models import ModelVersion
from tests.versions import make_version

# Read by the client at every call; its own patience is minutes.
os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_DISABLE_TELEMETRY="true")

MODEL = {"model/MLmodel": "flavors: {}\n", "model/data/model.pt2": "weights"}
_names = itertools.count(1)


class Killed(BaseException):
    """Ends a job as SIGKILL does: nothing that would catch an error of a runner catches this."""


def unique() -> str:
    """Return a name that no other test of this process uses."""
    return f"receipts {os.getpid()} {next(_names)}"


def log_run(url: str, files: Mapping[str, str | bytes] = MODEL, **tags: str) -> Run:
    """Log a finished run by the plain client, with `files` as artifacts, and mirror it."""
    client = MlflowClient(url)
    experiment = client.get_experiment_by_name("by hand")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("by hand")
    run_id = client.create_run(experiment_id, run_name=f"run {next(_names)}", tags=tags).info.run_id
    client.log_param(run_id, "train.learning_rate", "0.003")
    client.log_param(run_id, "train.epochs", "8")
    client.log_metric(run_id, "val_cer", 0.012)
    for path, content in files.items():
        log_file(url, run_id, path, content)
    client.set_terminated(run_id)
    return mirrored(url, run_id)


def log_file(url: str, run_id: str, path: str, content: str | bytes) -> None:
    """Log one artifact; bytes need not be text."""
    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        MlflowClient(url).log_artifact(run_id, str(file), folder or None)


def mirrored(url: str, run_id: str) -> Run:
    """Mirror a run and return it."""
    return sync.mirror_run(run_id, MLflowServer(url))


def work(job: Job) -> Job:
    """Run one attempt of a job in this process, as soon as it may be, and return it as it is then."""
    Job.objects.filter(pk=job.pk).update(not_before=Now())
    execution.run(job.pk)
    return Job.objects.get(pk=job.pk)


def work_until_killed(job: Job) -> Job:
    """Run an attempt that ends by `Killed`; return the job after the reaper has found it."""
    try:
        execution.run(job.pk)
    except Killed:
        Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
        assert job_reaper.reap() == 1
        return Job.objects.get(pk=job.pk)
    raise AssertionError("The attempt was not killed.")


def work_at_once(*jobs: Job) -> list[Job]:
    """Run one attempt of each job, all at the same time."""
    gate = threading.Barrier(len(jobs))

    def one(job: Job) -> None:
        try:
            gate.wait(10)
            execution.run(job.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [Job.objects.get(pk=job.pk) for job in jobs]


def log_of(job: Job) -> str:
    """Return the whole log of a job."""
    return "\n".join(job_logs.read(job, limit=10_000).lines)


def there(url: str, name: str) -> dict[int, tuple[str, tuple[str, ...], str]]:
    """Return MLflow's versions of a model: number -> stage, aliases, our tag of the stage."""
    return {
        one.version: (one.stage, one.aliases, one.tags.get("stagegate.stage", ""))
        for one in MLflowServer(url).model_versions(name)
    }


def submitted(user: User, kind: str, payload: dict[str, Any]) -> Job:
    """Queue a job without asking for a permission, as the product does for what follows."""
    with transaction.atomic():
        return job_changes.create(runners.get(kind), payload, submitter=user, name=user.username)


def real_version(url: str, name: str, number: str, files: Mapping[str, str | bytes] = MODEL) -> ModelVersion:
    """Make a version whose files are in MLflow and hashed here, as a registration leaves it."""
    server, run = MLflowServer(url), log_run(url, files)
    source = f"runs:/{run.run_id}/model"
    record = server.find_or_create_model_version(name, key=number, run_id=run.run_id, source=source)
    manifest = Artifacts(server).manifest(source)
    return make_version(
        number,
        model=name,
        run_id=run.run_id,
        source=source,
        mlflow_version=record.version,
        manifest=[asdict(file) for file in manifest],
        manifest_digest=manifest_digest(manifest),
    )
