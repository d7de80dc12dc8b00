"""The demo project through the real engine: launch, a killed worker, run, version, and back again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit import trail
from config.demo import project
from experiments import commit_index, job_logs, launches, repositories, sync
from experiments.models import Job, Repository, Run
from integrations.mlflow_server import MLflowServer
from registry.metadata import ModelMetadata
from registry.models import ModelVersion
from tests.engine import Engine, fresh, processes_of, wait, wait_for_state
from tests.integrations.git_workshop import git
from tests.people import make_user
from tests.pipeline_project import dvc
from tests.servers import run_mlflow

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "receipt-ocr"
SMALL = {
    "preprocess.train_samples": 96,
    "preprocess.val_samples": 32,
    "preprocess.amount_digits": [2, 4],
    "train.epochs": 2,
    "train.channels": [4, 8],
    "train.hidden_size": 8,
}


@pytest.fixture
def engine(tmp_path: Path, settings: Settings) -> Iterator[Engine]:
    settings.DATA_DIR = tmp_path / "data"
    with run_mlflow(tmp_path / "mlflow") as url:
        settings.MLFLOW_TRACKING_URI = url
        yield Engine(tmp_path, mlflow=url)


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def repository(tmp_path: Path, settings: Settings) -> Repository:
    source = project.ensure(EXAMPLE, tmp_path / "demo")
    repository = repositories.connect("receipt-ocr", str(source), user=make_user(Role.ADMINISTRATOR))
    commit_index.index(repository)
    repository.refresh_from_db()
    return repository


def test_a_launch_survives_a_killed_worker_and_ends_in_one_version_that_can_be_rebuilt(
    engine: Engine, repository: Repository, engineer: User, tmp_path: Path
) -> None:
    with engine.redis(), engine.dispatcher():
        with engine.worker() as group:
            job = launches.launch(
                repository,
                ref="main",
                overrides=SMALL,
                user=engineer,
                register_as={"model": "receipt-ocr"},
            )
            wait(lambda: "Running stage 'train'" in "\n".join(job_logs.read(job).lines), 120)
            os.killpg(group, signal.SIGKILL)
        wait(lambda: not processes_of(job, 1), 10)
        with engine.worker():
            job = wait_for_state(job, "succeeded", 240)
            logged = wait_for_state(Job.objects.get(kind="log_run"), "succeeded", 180)
            registered = wait_for_state(Job.objects.get(kind="register"), "succeeded", 60)
    assert job.attempt == 2
    assert (logged.parent, registered.parent) == (job, logged)
    assert engine.workspaces() == []
    assert {step["state"] for step in job.steps} == {"done", "skipped"}

    server = MLflowServer(engine.mlflow)
    experiment = server.experiment_named("receipt-ocr")
    assert experiment is not None
    [record] = server.search_runs([experiment.experiment_id]).runs
    sync.synchronise(server)
    run = Run.objects.get()
    assert run.run_id == record.run_id == logged.result["run_id"]
    assert (run.status, run.params["train.epochs"]) == ("FINISHED", "2")
    assert run.series.get(key="val_cer").length >= 2
    [version] = ModelVersion.objects.all()
    assert (str(version), version.stage, version.model_format) == ("receipt-ocr@1.0.0", "Development", "pt2")
    assert ModelMetadata.from_dict(version.metadata).missing() == {}
    assert logged.result["missing"] == []
    assert version.metadata["git_commit"] == job.result["sha"]
    assert trail.verify() is None

    clone = tmp_path / "rebuilt"
    git(tmp_path, "clone", "--quiet", str(repositories.mirror_path(repository)), str(clone))
    git(clone, "checkout", "--quiet", job.result["sha"])
    dvc(clone, "pull", "--quiet")
    assert "Data and pipelines are up to date." in dvc(clone, "repro")
    assert fresh(job).result["training_seconds"] > 0
