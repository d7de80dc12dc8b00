"""Logging the result of a real pipeline job to a real MLflow server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from experiments import execution, job_logs, jobs, launches
from experiments.models import Job, Repository, Run
from integrations.artifacts import Artifacts
from integrations.mlflow_server import MLflowServer
from registry.metadata import ModelMetadata
from registry.models import RegisteredModel
from tests.faults import lossy_proxy
from tests.integrations.git_workshop import commit
from tests.integrations.small_models import save_pt2
from tests.people import make_user
from tests.pipeline_project import PIPELINE, TRAIN, connect, make_project
from tests.servers import free_port
from tests.versions import make_model

pytestmark = pytest.mark.django_db(transaction=True)

# The "training" hands out a network that was exported before, so that no torch is loaded for it.
TRAIN_NETWORK = (
    TRAIN
    + """
import shutil
for name in ("model.pt2", "input_example.npy"):
    shutil.copyfile(f"network/{name}", f"models/{name}")
info = {"architecture": "CRNN", "num_params": 321, "config": {"channels": [4]}}
info["input_schema"] = [{"name": "image"}]
pathlib.Path("models/model_info.json").write_text(json.dumps(info))
"""
)
_results: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("upstream")
    pipeline = PIPELINE.replace("models/weights.txt", "models/model.pt2")
    path = make_project(
        root / "letters", root / "remote", **{"train.py": TRAIN_NETWORK, "dvc.yaml": pipeline}
    )
    (path / "network").mkdir()
    save_pt2(path / "network")
    commit(path, {}, "Add an exported network")
    return path


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def places(settings: Settings, data_dir: Path, mlflow_url: str) -> None:
    settings.DATA_DIR = data_dir
    settings.MLFLOW_TRACKING_URI = mlflow_url


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


@pytest.fixture
def repository(upstream: Path, unique: str) -> Iterator[Repository]:
    repository = connect(upstream)
    repository.experiment_name = unique
    repository.save()
    return repository


@pytest.fixture
def pipeline(repository: Repository, engineer: User) -> Job:
    """A pipeline job that has succeeded; it ran in the first test that asked for it."""
    if "pipeline" not in _results:
        job = launches.launch(
            repository, ref="main", overrides={"train.epochs": 3}, user=engineer, note="three epochs"
        )
        execution.run(job.pk)
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        _results["pipeline"] = job.result
        Job.objects.all().delete()
    now = timezone.now()
    return Job.objects.create(
        kind="pipeline",
        state="succeeded",
        queue="jobs",
        repository=repository,
        result=_results["pipeline"],
        submitted_by=engineer,
        submitted_by_name=engineer.username,
        not_before=now,
        created_at=now,
    )


@pytest.fixture
def plain_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log a small file as the model: what these tests are about needs no network to be packaged."""
    monkeypatch.setattr("registry.logged_model.model_of", lambda _: ("letters", "models/weights.txt"))


def log(pipeline: Job, user: User, **payload: Any) -> Job:
    job = jobs.submit("log_run", {"pipeline": pipeline.pk, **payload}, user=user, parent=pipeline)
    execution.run(job.pk)
    job.refresh_from_db()
    return job


def logged(pipeline: Job, user: User, **payload: Any) -> Job:
    job = log(pipeline, user, **payload)
    assert job.state == "succeeded", job.error
    return job


def text_of(job: Job) -> str:
    return "\n".join(job_logs.read(job, limit=10_000).lines)


def files(server: MLflowServer, run_id: str) -> set[str]:
    return {file.path for file in Artifacts(server).manifest(f"runs:/{run_id}/")}


def runs_of(server: MLflowServer, experiment: str) -> list[str]:
    found = server.experiment_named(experiment)
    return [run.run_id for run in server.search_runs([found.experiment_id]).runs] if found else []


def test_a_result_is_logged_with_everything_and_mirrored_at_once(
    pipeline: Job, engineer: User, server: MLflowServer, repository: Repository
) -> None:
    job = logged(pipeline, engineer)
    run_id = job.result["run_id"]
    run = server.run(run_id)
    result = pipeline.result

    assert (run.status, run.name, run.user) == ("FINISHED", "three epochs", "engineer")
    assert run.params["train.epochs"] == "3"
    assert run.params["train.learning_rate"] == "0.5"
    assert run.params["data.version"] == "1.0.0"
    history = server.metric_history(run_id, "train_loss").points
    assert [point.step for point in history] == [1, 2, 3, 4]
    assert history[-1].value == result["metrics"]["train_loss"]
    assert run.metrics["val_loss"] == 0.5
    assert run.metrics["scores.val_cer"] == 0.05
    assert run.metrics["train_samples"] == 8
    assert "predicted" not in run.metrics
    assert files(server, run_id) == {
        "metadata/environment.json",
        "metadata/model_metadata.json",
        "metrics/data.json",
        "metrics/eval.json",
        "metrics/train.json",
        "pipeline/dvc.lock",
        "pipeline/dvc.yaml",
        "pipeline/params.yaml",
        "plots/confusion.csv",
        "plots/history.csv",
        *(path for path in files(server, run_id) if path.startswith("model/")),
    }
    assert {"model/MLmodel", "model/data/model.pt2"} <= files(server, run_id)
    tags = run.tags
    assert tags["git_commit"] == tags["mlflow.source.git.commit"] == result["sha"]
    assert tags["git_branch"] == result["branch"]
    assert tags["dataset_hash"] == result["dataset_hash"]
    assert tags["dvc_lock_digest"] == result["lock_digest"]
    assert tags["model_architecture"] == "CRNN"
    assert tags["stagegate.job"] == str(pipeline.pk)
    assert json.loads(tags["input_schema"]) == [{"name": "image"}]
    assert json.loads(tags["output_schema"])[0]["dtype"] == "float32"

    stream = Artifacts(server).stream(f"runs:/{run_id}", "metadata/model_metadata.json")
    metadata = ModelMetadata.from_json(b"".join(stream).decode())
    assert (metadata.git_commit, metadata.num_params, metadata.epochs) == (result["sha"], 321, 3)
    assert metadata.training_duration_seconds == result["training_seconds"]
    assert metadata.missing() == {"metrics": ("val_accuracy", "val_cer", "val_wer")}
    assert job.result["missing"] == ["val_accuracy", "val_cer", "val_wer"]

    mirrored = Run.objects.get(run_id=run_id)
    assert mirrored.experiment.name == repository.experiment_name
    assert mirrored.series.get(key="train_loss").length == 4
    entry = AuditEntry.objects.get(event="run.logged")
    assert (entry.target_id, entry.data["commit"]) == (run_id, result["sha"])


def test_the_logged_model_loads_with_the_plain_client_and_predicts(
    pipeline: Job, engineer: User, mlflow_url: str
) -> None:
    run_id = logged(pipeline, engineer).result["run_id"]
    code = (
        f"import mlflow, numpy; mlflow.set_tracking_uri({mlflow_url!r});"
        f"model = mlflow.pyfunc.load_model('runs:/{run_id}/model');"
        "print(model.predict(numpy.zeros((3, 1, 16, 24), dtype='float32')).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "(3, 24, 11)" in done.stdout, done.stderr


def test_however_often_a_result_is_logged_there_is_one_run_with_each_point_once(
    pipeline: Job, engineer: User, server: MLflowServer, repository: Repository
) -> None:
    first = logged(pipeline, engineer)
    before = server.run(first.result["run_id"])
    manifest = Artifacts(server).manifest(f"runs:/{before.run_id}/")
    again = logged(pipeline, engineer)
    assert again.result["run_id"] == before.run_id
    assert runs_of(server, repository.experiment_name) == [before.run_id]
    after = server.run(before.run_id)
    assert (after.params, after.tags) == (before.params, before.tags)
    assert repr(after.metrics) == repr(before.metrics)  # NaN differs from itself
    assert len(server.metric_history(before.run_id, "train_loss").points) == 4
    assert Artifacts(server).manifest(f"runs:/{before.run_id}/") == manifest
    assert AuditEntry.objects.filter(event="run.logged").count() == 1
    assert Run.objects.count() == 1


@pytest.mark.usefixtures("plain_model")
def test_mlflow_down_means_another_try_later_and_one_run_in_the_end(
    pipeline: Job,
    engineer: User,
    server: MLflowServer,
    repository: Repository,
    settings: Settings,
    mlflow_url: str,
) -> None:
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    job = log(pipeline, engineer)
    assert job.state == "queued"
    assert "cannot be reached" in job.error
    for _ in range(job.max_attempts - 1):
        Job.objects.filter(pk=job.pk).update(not_before=job.created_at)
        execution.run(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"

    settings.MLFLOW_TRACKING_URI = mlflow_url
    execution.run(jobs.retry(job, user=engineer).pk)
    job.refresh_from_db()
    assert job.state == "succeeded"
    assert runs_of(server, repository.experiment_name) == [job.result["run_id"]]


@pytest.mark.usefixtures("plain_model")
def test_lost_answers_of_mlflow_make_no_second_run(
    pipeline: Job,
    engineer: User,
    server: MLflowServer,
    repository: Repository,
    settings: Settings,
    mlflow_url: str,
) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        settings.MLFLOW_TRACKING_URI = proxy.url
        for mark in ("runs/create", "runs/log-batch", "runs/update"):
            proxy.lose(mark)
        job = logged(pipeline, engineer)
        assert proxy.lost == 3
    assert runs_of(server, repository.experiment_name) == [job.result["run_id"]]


@pytest.mark.usefixtures("plain_model")
def test_an_attempt_that_breaks_off_in_the_middle_is_completed_by_the_next(
    pipeline: Job, engineer: User, server: MLflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ConnectionResetError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(MLflowServer, "finish_run", broken)
        job = log(pipeline, engineer)
    assert job.state == "failed"
    execution.run(jobs.retry(job, user=engineer).pk)
    job.refresh_from_db()
    run = server.run(job.result["run_id"])
    assert run.status == "FINISHED"
    assert len(server.metric_history(run.run_id, "train_loss").points) == 4
    assert AuditEntry.objects.filter(event="run.logged").count() == 1


@pytest.mark.usefixtures("plain_model")
def test_a_registration_that_was_asked_for_follows(pipeline: Job, engineer: User) -> None:
    job = logged(pipeline, engineer, register_as={"model": "letters"})
    follow_up = Job.objects.get(kind="register")
    assert follow_up.parent == job
    assert follow_up.payload["run_id"] == job.result["run_id"]
    assert (follow_up.payload["model"], follow_up.payload["version"]) == ("letters", "1.0.0")
    assert follow_up.payload["facts"]["architecture"] == "CRNN"


@pytest.mark.usefixtures("plain_model")
def test_a_registration_that_cannot_be_is_told_and_the_run_stays(pipeline: Job, engineer: User) -> None:
    job = logged(pipeline, engineer, register_as={"model": "letters", "version": "one"})
    assert job.result["registration_problem"]
    assert "Not registered:" in text_of(job)
    assert not Job.objects.filter(kind="register").exists()


@pytest.mark.usefixtures("plain_model")
def test_a_registration_is_refused_that_its_submitter_may_not_ask_for_any_more(
    pipeline: Job, engineer: User
) -> None:
    make_model("letters")
    RegisteredModel.objects.filter(name="letters").update(restricted=True)
    job = logged(pipeline, engineer, register_as={"model": "letters"})
    assert "restricted" in job.result["registration_problem"]
    assert not Job.objects.filter(kind="register").exists()


def test_a_run_without_a_usable_model_is_logged_all_the_same(
    pipeline: Job, engineer: User, server: MLflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.logged_model.model_of", lambda _: ("letters", "models/environment.json"))
    other = logged(pipeline, engineer)
    assert "model/environment.json" in files(server, other.result["run_id"])
    assert other.result["model_problem"] == ""

    Job.objects.filter(pk=other.pk).delete()
    monkeypatch.setattr("registry.logged_model.model_of", lambda _: ("letters", "models/gone.pt2"))
    job = logged(pipeline, engineer, register_as={"model": "letters"})
    assert "gone.pt2" in job.result["model_problem"]
    assert "gone.pt2" in job.result["registration_problem"]
    assert server.run(job.result["run_id"]).metrics["val_loss"] == 0.5


def test_a_model_that_was_changed_in_the_cache_is_not_logged(
    pipeline: Job, engineer: User, data_dir: Path, server: MLflowServer
) -> None:
    [weights] = [
        file for file in (data_dir / "dvc-cache").rglob("*") if file.is_file() and file.read_bytes() == b"0.5"
    ]
    weights.chmod(0o644)
    weights.write_bytes(b"0.9")
    try:
        job = log(pipeline, engineer)
    finally:
        weights.write_bytes(b"0.5")
    assert job.state == "failed"
    assert "models (changed)" in job.error


def test_a_result_that_is_gone_is_told_in_words(pipeline: Job, engineer: User) -> None:
    Job.objects.filter(pk=pipeline.pk).update(result={})
    job = log(pipeline, engineer)
    assert (job.state, job.error) == ("failed", "The result of this pipeline job is not there any more.")
