"""Registering runs of a real MLflow server: what is recorded, what is refused and why."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
from mlflow import MlflowClient

from accounts.models import User
from accounts.roles import Role
from audit import trail
from audit.models import AuditEntry
from experiments import jobs
from experiments.models import Job, Run
from integrations.mlflow_models import MLflowModelManager
from integrations.mlflow_server import MLflowServer
from registry import inspection_files, registration
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, RegisteredModel
from tests.mlflow_registry import MODEL, log_of, log_run, mirrored, there, unique, work
from tests.people import make_user
from tests.versions import make_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places")]


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER, username="engineer")


def register(run: Run, model: str, user: User, version: str = "") -> Job:
    return work(registration.register(run, model, user=user, version=version, reason="asked for"))


def log_plain_model(url: str, serialization_format: str) -> Run:
    """Log a small network as a person does it with MLflow's own client, under a name of their own."""
    import mlflow
    import numpy as np
    import torch

    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("notebook")
    example = np.zeros((2, 3), dtype="float32") if serialization_format == "pt2" else None
    with mlflow.start_run() as run:
        mlflow.log_params({"train.lr": 0.1, "train.epochs": 3})
        mlflow.log_metric("val_cer", 0.25)
        network = torch.nn.Linear(3, 2).eval()
        mlflow.pytorch.log_model(
            network,
            name="net",
            input_example=example,
            serialization_format=serialization_format,
            pip_requirements=[],
        )
    return mirrored(url, run.info.run_id)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("model_format", ["pt2", "pickle"])
def test_a_run_of_the_plain_client_becomes_a_version_that_says_the_same_here_and_in_mlflow(
    url: str, engineer: User, tmp_path: Path, model_format: str
) -> None:
    import mlflow

    run, name = log_plain_model(url, model_format), unique()
    job = register(run, name, engineer)

    assert job.state == "succeeded", job.error
    version = ModelVersion.objects.get(model__name=name)
    record = MLflowServer(url).model_version(name, version.mlflow_version)
    assert job.result == {"model": name, "version": "1.0.0", "mlflow_version": record.version}
    assert (record.run_id, record.source) == (run.run_id, version.source)
    assert record.tags["model_version"] == version.version == "1.0.0"
    assert (record.stage, record.tags["stagegate.stage"]) == ("None", "Development")
    folder = Path(mlflow.artifacts.download_artifacts(record.source, dst_path=str(tmp_path / "got")))
    (folder / "registered_model_meta").unlink()  # the client's own note
    assert {file["path"]: file["sha256"] for file in version.manifest} == hashes(folder)
    assert version.model_format == model_format
    assert ("WARNING: the model is pickled." in log_of(job)) is (model_format == "pickle")
    metadata = ModelMetadata.from_dict(version.metadata)
    assert (metadata.model_name, metadata.model_version, metadata.stage) == (name, "1.0.0", "development")
    assert (metadata.learning_rate, metadata.epochs, metadata.val_cer) == (0.1, 3, 0.25)
    assert not metadata.is_recorded("dataset_hash")
    assert version.fingerprint == metadata.compute_fingerprint()
    assert (version.created_by, version.stage, version.mlflow_problem) == ("engineer", "Development", "")


def test_a_run_of_the_model_manager_keeps_its_metadata_and_its_one_version_in_mlflow(
    url: str, engineer: User
) -> None:
    import torch

    name = unique()
    manager = MLflowModelManager("training", url)
    metadata = ModelMetadata(
        model_name="another name",
        model_version="7.7.7",
        model_architecture="CRNN",
        learning_rate=0.003,
        batch_size=64,
        epochs=8,
        optimizer="AdamW",
        dataset_hash="d" * 32,
        git_commit="c" * 40,
    )
    run_id = manager.log_training_run(
        torch.nn.Linear(3, 2), {}, {"val_cer": 0.5}, metadata, name, input_example=torch.zeros(2, 3)
    )
    job = register(mirrored(url, run_id), name, engineer, "1.2.0")

    assert job.state == "succeeded", job.error
    version = ModelVersion.objects.get(model__name=name)
    kept = ModelMetadata.from_dict(version.metadata)
    assert (kept.model_name, kept.model_version, kept.optimizer) == (name, "1.2.0", "AdamW")
    assert version.fingerprint == metadata.compute_fingerprint()
    assert version.model_format == "pt2"
    assert there(url, name) == {1: ("None", (), "Development")}
    assert version.mlflow_version == 1
    assert isinstance(manager.load_model_by_version(name, "1.2.0"), torch.nn.Module)


def test_a_run_that_is_registered_twice_has_two_versions_in_mlflow(url: str, engineer: User) -> None:
    run, name = log_run(url), unique()
    MlflowClient(url).create_registered_model(name)
    by_hand = MlflowClient(url).create_model_version(name, f"runs:/{run.run_id}/model", run.run_id)
    another = log_run(url).run_id
    other = MlflowClient(url).create_model_version(name, f"runs:/{another}/model", another)

    for number in ("1.0.0", "1.0.1"):
        assert register(run, name, engineer, number).state == "succeeded"

    numbers = dict(ModelVersion.objects.values_list("version", "mlflow_version"))
    assert numbers == {"1.0.0": int(by_hand.version), "1.0.1": int(other.version) + 1}
    tags = {one.version: one.tags.get("model_version") for one in MLflowServer(url).model_versions(name)}
    assert tags == {1: "1.0.0", 2: None, 3: "1.0.1"}


def test_people_can_follow_what_the_job_does(url: str, engineer: User) -> None:
    run, name = log_run(url), unique()
    job = register(run, name, engineer)

    assert [(step["name"], step["state"]) for step in job.steps] == [
        ("read run", "done"),
        ("hash files", "done"),
        ("inspect files", "done"),
        ("record version", "done"),
        ("create in MLflow", "done"),
    ]
    text = log_of(job)
    assert f"The model of run {run.name} is runs:/{run.run_id}/model." in text
    assert "2 files, 19 bytes:" in text
    assert f"{hashlib.sha256(b'weights').hexdigest()[:12]}              7 data/model.pt2" in text
    assert "The metadata come from parameters, metrics and tags of the run." in text
    assert "Not recorded: " in text
    assert f"{name}@1.0.0 is registered; MLflow calls it version 1." in text


def test_the_trail_tells_of_model_version_and_number_once_each(url: str, engineer: User) -> None:
    name = unique()
    register(log_run(url), name, engineer)
    register(log_run(url), name, engineer)
    events = list(AuditEntry.objects.filter(model_name=name).values_list("event", "actor_name", "target_id"))
    assert events == [
        ("model.registered", "engineer", name),
        ("version.registered", "engineer", f"{name}@1.0.0"),
        ("card.revised", "engineer", f"{name}@1.0.0"),
        ("version.mirrored", "system", f"{name}@1.0.0"),
        ("version.registered", "engineer", f"{name}@1.0.1"),
        ("card.revised", "engineer", f"{name}@1.0.1"),
        ("version.mirrored", "system", f"{name}@1.0.1"),
    ]
    assert trail.verify() is None


def test_a_model_with_one_pickle_among_its_files_counts_as_pickled(url: str, engineer: User) -> None:
    name = unique()
    register(log_run(url, {**MODEL, "model/data/Extra.PKL": "x"}), name, engineer)
    assert ModelVersion.objects.get(model__name=name).model_format == "pickle"


def assert_nothing_is_left(url: str, job: Job) -> None:
    assert (job.state, job.attempt) == ("failed", 1)
    assert not ModelVersion.objects.exists()
    assert not RegisteredModel.objects.exists()
    assert MLflowServer(url).registered_model(job.payload["model"]) is None
    assert "Traceback" not in log_of(job)


def test_a_run_without_a_model_is_refused_in_words(url: str, engineer: User) -> None:
    run = log_run(url, {"plots/curve.csv": "1"})
    job = register(run, unique(), engineer)
    assert_nothing_is_left(url, job)
    assert job.error.startswith(f"The run {run.name} has no model")
    assert [step["state"] for step in job.steps] == ["failed", "waiting", "waiting", "waiting", "waiting"]


METADATA = ModelMetadata("m", "1.0.0", "CNN", 0.1, 8, 3, "SGD").to_dict()
INCOMPLETE = {name: value for name, value in METADATA.items() if name != "optimizer"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps({**METADATA, "learning_rat": 1}), "learning_rat: is not a field"),
        (json.dumps({**METADATA, "epochs": "three"}), "epochs: "),
        (json.dumps({**METADATA, "epochs": -3}), "epochs: must not be negative"),
        (json.dumps(INCOMPLETE), "optimizer: is missing"),
        ("", "metadata: "),
        ("{", "metadata: "),
        ("[]", "metadata: must be a JSON object"),
        (b'{"model_name": "\xff"}', "is not UTF-8 text"),
        (" " * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
    ],
)
def test_unusable_metadata_are_refused_and_the_field_is_named(
    url: str, engineer: User, content: str | bytes, words: str
) -> None:
    run = log_run(url, {**MODEL, "metadata/model_metadata.json": content})
    job = register(run, unique(), engineer)
    assert_nothing_is_left(url, job)
    assert words in job.error
    assert "model_metadata.json" in job.error


def test_a_run_that_was_deleted_meanwhile_is_refused_until_it_is_restored(url: str, engineer: User) -> None:
    run, name = log_run(url), unique()
    MlflowClient(url).delete_run(run.run_id)
    job = register(run, name, engineer)
    assert_nothing_is_left(url, job)
    assert job.error == f"The run {run.name} is deleted in MLflow. Restore it there, then retry this job."

    MlflowClient(url).restore_run(run.run_id)
    assert work(jobs.retry(job, user=engineer)).state == "succeeded"


def test_a_run_that_mlflow_does_not_know_is_refused(url: str, engineer: User) -> None:
    run = make_run()
    job = register(run, unique(), engineer)
    assert_nothing_is_left(url, job)
    assert job.error == f"MLflow has no run {run.run_id} any more."


class Canary:
    """Unpickling it creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.trace}",))


def test_a_registration_runs_no_pickle_and_says_what_is_in_it(
    url: str, engineer: User, tmp_path: Path
) -> None:
    trace, name = tmp_path / "trace", unique()
    canary = pickle.dumps(Canary(trace))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/notes.json", canary)
    files = {
        **MODEL,
        "model/data/model.pth": canary,
        "model/requirements.txt": pickle.dumps(Canary(trace), protocol=0) + b"torch\n",
        "model/extra.zip": packed.getvalue(),
        "metadata/ignored.pkl": canary,
    }
    job = register(log_run(url, files), name, engineer)

    assert job.state == "succeeded", job.error
    assert not trace.exists()
    version = ModelVersion.objects.get(model__name=name)
    assert version.model_format == "pickle"
    found = version.inspection
    assert (found["clean"], found["error"]) == (False, "")
    suspicions = {one["path"]: one["suspicions"] for one in found["files"]}
    assert suspicions["data/model.pth"] == ["pickle", "imports posix.system"]
    assert "imports posix.system" in suspicions["requirements.txt"]
    assert "inner/notes.json: imports posix.system" in suspicions["extra.zip"]
    assert "WARNING: data/model.pth (pickle): pickle; imports posix.system" in log_of(job)
    entry = AuditEntry.objects.get(event="version.registered", model_name=name)
    assert entry.data["clean"] is False
    os.system(f"touch {trace}")  # noqa: S605 - the canary's own command works here
    assert trace.exists()


def test_an_inspected_model_is_clean_and_tells_signature_and_parameters(url: str, engineer: User) -> None:
    name = unique()
    register(log_plain_model(url, "pt2"), name, engineer)
    found = ModelVersion.objects.get(model__name=name).inspection
    assert (found["clean"], found["error"], found["num_params"]) == (True, "", 8), found
    assert found["signature"]["inputs"] == [{"name": "", "dtype": "float32", "shape": [None, 3]}]
    assert found["signature"]["outputs"] == [{"name": "", "dtype": "float32", "shape": [None, 2]}]
    assert found["scanner"].startswith("fickling ")


def test_a_model_that_is_too_large_to_fetch_is_hashed_and_not_called_clean(
    url: str, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection_files, "MAX_BYTES", 10)
    name = unique()
    job = register(log_run(url), name, engineer)
    assert job.state == "succeeded", job.error
    version = ModelVersion.objects.get(model__name=name)
    assert len(version.manifest) == 2
    assert version.inspection["error"] == "The files (19 bytes) are too large to be looked through."
    assert version.inspection["clean"] is False


def test_a_version_starts_with_a_card_of_its_registration(url: str, engineer: User) -> None:
    name = unique()
    register(log_run(url), name, engineer)
    [revision] = ModelVersion.objects.get(model__name=name).card_revisions.all()
    assert (revision.number, revision.state, revision.by_name) == (1, "draft", "engineer")
