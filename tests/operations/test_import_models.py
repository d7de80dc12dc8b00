"""Registered models and versions that exist in a real MLflow before they are known here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from mlflow import MlflowClient
from pytest_django import Settings

from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments.models import Job
from registry import as_of, import_job, import_models, promotion_moves, reconciler_state
from registry.metadata import ModelMetadata
from registry.models import Drift, ModelVersion, RegisteredModel
from registry.reconciler import reconcile
from tests.mlflow_registry import MODEL, log_run, unique, work
from tests.people import make_user
from tests.servers import mlflow_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # stages, which MLflow means to give up
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with mlflow_server(folder) as server:
        yield server.url


@pytest.fixture(autouse=True)
def places(settings: Settings, tmp_path: Path, url: str) -> Iterator[None]:
    settings.DATA_DIR = tmp_path / "data"
    settings.MLFLOW_TRACKING_URI = url
    yield
    client = MlflowClient(url)
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)


@pytest.fixture
def client(url: str) -> MlflowClient:
    return MlflowClient(url)


@pytest.fixture
def name() -> str:
    return unique()


@pytest.fixture
def make(client: MlflowClient, name: str) -> Any:
    """Register a version with the plain client."""
    client.create_registered_model(name)

    def register(stage: str = "None", run_id: str | None = None, **tags: str) -> int:
        source = f"runs:/{run_id}/model" if run_id else "s3://models/1"
        number = client.create_model_version(name, source, run_id, tags=tags).version
        if stage != "None":
            client.transition_model_version_stage(name, number, stage)
        return int(number)

    return register


def adopted(name: str) -> dict[int | None, tuple[str, str]]:
    rows = ModelVersion.objects.filter(model__name=name)
    return {one.mlflow_version: (one.version, one.stage) for one in rows}


def test_models_and_versions_are_adopted_as_they_are_and_only_once(
    url: str, client: MlflowClient, name: str, make: Any
) -> None:
    run = log_run(url, **{"mlflow.source.git.commit": "c" * 40}, model_architecture="CRNN")
    make("Archived", semver="1.0.0")
    make("Production", run.run_id, model_version="1.1.0")
    make("Staging")
    make()
    report = reconcile()
    assert (report.adopted, report.opened, report.problems) == (4, [], [])
    assert adopted(name) == {
        1: ("1.0.0", "Archived"),
        2: ("1.1.0", "Production"),
        3: ("0.3.0", "Staging"),
        4: ("0.4.0", "Development"),
    }
    assert reconcile(everything=True).adopted == 0

    version = ModelVersion.objects.get(model__name=name, mlflow_version=2)
    assert version.imported
    assert (version.manifest, version.manifest_digest) == ([], ""), "never hashed, and not said to be"
    assert version.metadata["model_architecture"] == "CRNN"
    assert (version.metadata["model_version"], version.metadata["val_cer"]) == ("1.1.0", 0.012)
    assert version.lineage == {"git_commit": "c" * 40}
    assert version.facts["params"]["train.epochs"] == "8"
    [event] = version.stage_events.all()
    there = client.get_model_version(name, "2")
    assert event.at == datetime.fromtimestamp(there.last_updated_timestamp / 1000, tz=UTC)
    assert (event.how, event.by_name, event.promotion) == ("import", "MLflow", None)
    assert event.reason == "Found in this stage in MLflow."

    entries = AuditEntry.objects.filter(model_name=name)
    assert entries.filter(event="model.registered", actor_id="system").count() == 1
    assert entries.filter(event="version.imported", actor_id="system").count() == 4
    assert entries.filter(event="version.stage_changed").count() == 3
    assert trail.verify() is None


def test_what_was_in_production_is_answered_from_the_time_of_mlflow(name: str, make: Any) -> None:
    make("Production", semver="1.0.0")
    reconcile()
    model = RegisteredModel.objects.get(name=name)
    [event] = ModelVersion.objects.get(model=model).stage_events.all()
    assert as_of.production(model, event.at).version.version == "1.0.0"
    assert as_of.production(model, event.at - timedelta(milliseconds=1)).version is None


def test_of_two_in_production_the_newer_stays_and_the_other_is_reported(name: str, make: Any) -> None:
    make("Production")
    make("Production")
    report = reconcile()
    assert adopted(name) == {1: ("0.1.0", "Archived"), 2: ("0.2.0", "Production")}
    [problem] = report.problems
    assert problem == f"{name}@0.1.0: Found in Production in MLflow, where only one version can be here."
    [row] = Drift.objects.all()
    assert (row.mlflow_version, row.expected, row.found) == (1, "Archived", "Production")


def test_names_that_cannot_be_used_here_are_reported_and_not_adopted(client: MlflowClient) -> None:
    client.create_registered_model("100 % accurate")
    client.create_registered_model("<img src=x onerror=alert(1)>")
    report = reconcile()
    [problem] = report.problems
    assert problem.startswith("The model '100 % accurate' of MLflow is not adopted.")
    assert reconciler_state.refused() == [problem]
    assert [model.name for model in RegisteredModel.objects.all()] == ["<img src=x onerror=alert(1)>"]
    client.delete_registered_model("100 % accurate")
    reconcile()
    assert reconciler_state.refused() == []


def test_a_version_of_a_run_that_nobody_mirrors_has_no_metadata_but_its_name(name: str, make: Any) -> None:
    make()
    reconcile()
    version = ModelVersion.objects.get(model__name=name)
    assert (version.metadata["model_name"], version.metadata["model_version"]) == (name, "0.1.0")
    assert "learning_rate" in version.metadata["unrecorded"]


def test_an_adoption_that_is_cut_off_goes_on_and_ends_alike(
    name: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        make("Production")
    monkeypatch.setattr(import_models, "BATCH", 2)
    move = promotion_moves.move

    class Killed(BaseException):
        pass

    def killed(version: ModelVersion, *arguments: Any, **facts: Any) -> Any:
        if version.mlflow_version == 4:
            raise Killed
        return move(version, *arguments, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(promotion_moves, "move", killed)
        with pytest.raises(Killed):
            reconcile()
    assert sorted(adopted(name)) == [1, 2]
    assert reconcile().adopted == 4
    assert {number: stage for number, (_, stage) in adopted(name).items()} == {
        **dict.fromkeys(range(1, 6), "Archived"),
        6: "Production",
    }


def test_a_thousand_versions_are_adopted_within_passes_of_bounded_time(
    folder: Path, client: MlflowClient, name: str, make: Any
) -> None:
    make("Staging")
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.executemany(
            "INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, "
            "source, status, workspace) SELECT name, ?, creation_time, last_updated_time, 'None', source, "
            "status, workspace FROM model_versions WHERE name = ? AND version = 1",
            [(number, name) for number in range(2, 1001)],
        )
    began, passes = time.monotonic(), 0
    while reconcile(budget=3.0).adopted:
        passes += 1
    assert ModelVersion.objects.filter(model__name=name).count() == 1000
    assert ModelVersion.objects.filter(stage="Staging").count() == 1
    assert AuditEntry.objects.filter(event="version.imported").count() == 1000
    assert (time.monotonic() - began) / (passes + 1) < 15
    assert reconcile().compared == 0


def test_the_files_of_what_was_just_registered_are_hashed_without_asking(
    url: str, name: str, make: Any
) -> None:
    metadata = ModelMetadata(name, "9.9.9", "CRNN", 0.1, 1, 1, "SGD", dataset_hash="d" * 32).to_json()
    run = log_run(url, {**MODEL, "metadata/model_metadata.json": metadata})
    make(run_id=run.run_id, model_version="1.0.0")
    reconcile()
    [job] = Job.objects.filter(kind="import")
    assert job.submitted_by_name == "system"
    job = work(job)
    assert (job.state, job.error) == ("succeeded", "")
    version = ModelVersion.objects.get(model__name=name)
    assert sorted(file["path"] for file in version.manifest) == ["MLmodel", "data/model.pt2"]
    assert version.manifest_digest == job.result["manifest_digest"] != ""
    assert version.metadata["dataset_hash"] == "d" * 32
    assert (version.metadata["model_name"], version.metadata["model_version"]) == (name, "1.0.0")
    assert Job.objects.filter(kind="inspect", parent=job).count() == 1
    entries = AuditEntry.objects.filter(event="version.imported").order_by("sequence")
    assert [entry.data["manifest_digest"] for entry in entries] == ["", version.manifest_digest]
    assert import_job.request(version, user=make_user(Role.ENGINEER)) is None


def test_older_files_are_hashed_when_somebody_asks(
    url: str, name: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_models, "FRESH", timedelta(0))
    make(run_id=log_run(url).run_id)
    reconcile()
    assert not Job.objects.filter(kind="import").exists()
    version = ModelVersion.objects.get(model__name=name)
    with pytest.raises(PermissionDenied):
        import_job.request(version, user=make_user(Role.VIEWER))
    engineer = make_user(Role.ENGINEER)
    job = import_job.request(version, user=engineer)
    assert import_job.request(version, user=engineer) == job
    assert work(job).state == "succeeded"
    version.refresh_from_db()
    assert len(version.manifest) == 2


def test_files_that_are_not_there_end_the_job_with_a_reason(name: str, make: Any, url: str) -> None:
    run = log_run(url, {"notes.txt": "no model"})
    make(run_id=run.run_id)
    reconcile()
    job = work(Job.objects.get(kind="import"))
    assert job.state == "failed"
    assert "no artifacts" in job.error
    assert ModelVersion.objects.get(model__name=name).manifest_digest == ""
