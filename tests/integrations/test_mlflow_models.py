"""`MLflowModelManager` against a real MLflow server."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from integrations.artifacts import Artifacts
from integrations.errors import IntegrationError
from integrations.mlflow_models import MLflowModelManager
from integrations.mlflow_records import MODEL_FORMAT_TAG
from tests.faults import lossy_proxy


@dataclass
class Metadata:
    """The least that the manager asks for."""

    model_version: str = "1.0.0"
    model_architecture: str = "Linear"
    dataset_version: str = "3"
    git_commit: str = ""
    stage: str = "development"
    note: str = "영수증"

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


@pytest.fixture(autouse=True)
def _no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", raising=False)


@pytest.fixture
def manager(mlflow_url: str, unique: str) -> MLflowModelManager:
    return MLflowModelManager(unique, mlflow_url)


def linear() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5))


def log(manager: MLflowModelManager, name: str, version: str = "1.0.0", **more: object) -> str:
    return manager.log_training_run(
        linear(),
        {"lr": 0.1},
        {"val_loss": 0.5},
        Metadata(version),
        name,
        **more,  # type: ignore[arg-type]
    )


def test_a_run_holds_all_that_was_logged(manager: MLflowModelManager, unique: str, tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "curve.csv").write_text("step,loss\n")
    (tmp_path / "notes.txt").write_text("notes")
    files = {"figures": str(tmp_path / "plots"), "notes": str(tmp_path / "notes.txt")}
    run_id = log(manager, unique, artifacts=files)

    run = manager.server.run(run_id)
    assert (run.name, run.status, dict(run.params)) == (f"{unique}-1.0.0", "FINISHED", {"lr": "0.1"})
    assert run.metrics == {"val_loss": 0.5}
    assert run.end_time is not None
    assert run.end_time >= run.start_time
    expected = {"model_version": "1.0.0", "model_architecture": "Linear", "stage": "development"}
    assert expected.items() <= run.tags.items()
    paths = {file.path for file in Artifacts(manager.server).manifest(f"runs:/{run_id}")}
    assert {"figures/curve.csv", "notes/notes.txt", "metadata/model_metadata.json"} <= paths
    written = b"".join(Artifacts(manager.server).stream(f"runs:/{run_id}", "metadata/model_metadata.json"))
    assert json.loads(written) == asdict(Metadata())


def test_with_an_example_the_model_is_pt2_and_loads_without_permission(
    manager: MLflowModelManager, unique: str
) -> None:
    model = linear()
    model.train()
    model[1].eval()  # type: ignore[index]
    example = torch.rand(2, 4)
    run_id = manager.log_training_run(model, {}, {}, Metadata("2.0.0"), unique, input_example=example)

    assert (model.training, model[1].training) == (True, False)  # type: ignore[index]
    version = manager.server.model_version(unique, 1)
    assert version.tags[MODEL_FORMAT_TAG] == "pt2"
    assert manager.server.run(run_id).tags[MODEL_FORMAT_TAG] == "pt2"
    batch = torch.rand(7, 4)
    expected = model.eval()(batch)
    for wanted in (1, "1", "2.0.0"):
        torch.testing.assert_close(manager.load_model_by_version(unique, wanted)(batch), expected)


def test_numpy_examples_work_too(manager: MLflowModelManager, unique: str) -> None:
    log(manager, unique, input_example=np.zeros((2, 4), dtype=np.float32))
    assert manager.load_model_by_version(unique, 1)(torch.zeros(5, 4)).shape == (5, 3)


def test_without_an_example_the_model_is_pickled_and_needs_permission(
    manager: MLflowModelManager, unique: str, mlflow_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = log(manager, unique)
    assert manager.server.model_version(unique, 1).tags[MODEL_FORMAT_TAG] == "pickle"
    assert manager.server.run(run_id).tags[MODEL_FORMAT_TAG] == "pickle"
    with pytest.raises(IntegrationError, match="saved as pickle") as caught:
        manager.load_model_by_version(unique, 1)
    assert caught.value.permanent
    assert "MLFLOW_ALLOW_PICKLE_DESERIALIZATION=true" in str(caught.value)

    batch = torch.zeros(2, 4)
    assert manager.load_model_by_version(unique, 1, allow_pickle=True)(batch).shape == (2, 3)
    assert MLflowModelManager(unique, mlflow_url, allow_pickle=True).load_model_by_version(unique, 1)
    assert "MLFLOW_ALLOW_PICKLE_DESERIALIZATION" not in os.environ
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    assert manager.load_model_by_version(unique, 1)(batch).shape == (2, 3)
    with pytest.raises(IntegrationError, match="saved as pickle"):
        manager.load_model_by_version(unique, 1, allow_pickle=False)
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "true"


def test_an_archive_that_could_run_code_needs_permission_too(
    manager: MLflowModelManager, unique: str, archive: Path, tmp_path: Path
) -> None:
    run_id = log(manager, unique, input_example=torch.zeros(2, 4))
    evil = tmp_path / "model.pt2"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(evil, "w") as out:
        for one in source.infolist():
            data = source.read(one)
            if one.filename.endswith("model.json"):
                program = json.loads(data)
                program["guards_code"] = [f"__import__('os').system('touch {tmp_path / 'trace'}') == 0"]
                data = json.dumps(program).encode()
            out.writestr(one.filename, data)
    manager.server.log_artifact(run_id, evil, "model/data")
    with pytest.raises(IntegrationError, match="executes its own guards"):
        manager.load_model_by_version(unique, 1)
    assert not (tmp_path / "trace").exists()


def test_modules_that_a_model_brings_need_permission(
    manager: MLflowModelManager, unique: str, tmp_path: Path
) -> None:
    run_id = log(manager, unique, input_example=torch.zeros(2, 4))
    about = b"".join(Artifacts(manager.server).stream(f"runs:/{run_id}", "model/MLmodel")).decode()
    (tmp_path / "MLmodel").write_text(about.replace("code: null", "code: code"))
    manager.server.log_artifact(run_id, tmp_path / "MLmodel", "model")
    with pytest.raises(IntegrationError, match="brings Python modules"):
        manager.load_model_by_version(unique, 1)


def test_production_moves_by_number_and_by_semantic_version(
    manager: MLflowModelManager, unique: str, mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        log(manager, unique, version, input_example=torch.zeros(2, 4)) for version in ("1.0.0", "1.1.0-rc1")
    ]
    manager.promote_model(unique, 1, "Production")
    manager.promote_model(unique, "1.1.0-rc1", "Staging")
    latest = {one["stage"]: one for one in manager.get_latest_versions(unique)}
    assert latest == {
        "Production": {
            "version": 1,
            "model_version": "1.0.0",
            "stage": "Production",
            "run_id": runs[0],
            "status": "READY",
            "aliases": ["champion"],
        },
        "Staging": {
            "version": 2,
            "model_version": "1.1.0-rc1",
            "stage": "Staging",
            "run_id": runs[1],
            "status": "READY",
            "aliases": ["challenger"],
        },
    }
    promoted = manager.promote_model(unique, "1.1.0-rc1", stage="Production")
    assert (promoted.version, promoted.stage, promoted.aliases) == (2, "Production", ("champion",))
    assert manager.server.model_version(unique, 1).stage == "Archived"
    assert manager.load_production_model(unique)(torch.zeros(3, 4)).shape == (3, 3)

    # two in Production, left by a plain client: the champion is the one
    manager.server.set_stage(unique, 1, "Production")
    manager.server.set_alias(unique, "champion", 1)
    batch = torch.rand(3, 4)
    champion = manager.load_model_by_version(unique, 1)(batch)
    torch.testing.assert_close(manager.load_production_model(unique)(batch), champion)
    manager.promote_model(unique, 2, "Production")

    # what a user of the plain client finds
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    for uri in (f"models:/{unique}/Production", f"models:/{unique}@champion"):
        assert mlflow.pytorch.load_model(uri, dst_path=str(tmp_path))(torch.zeros(3, 4)).shape == (3, 3)


def test_unknown_and_ambiguous_versions_and_stages_are_named(
    manager: MLflowModelManager, unique: str
) -> None:
    for _ in range(2):
        log(manager, unique)
    with pytest.raises(IntegrationError, match="ambiguous: MLflow versions 1, 2"):
        manager.promote_model(unique, "1.0.0", "Production")
    for wrong in ("9.9.9", 9, "9"):
        with pytest.raises(IntegrationError) as caught:
            manager.promote_model(unique, wrong, "Production")
        assert caught.value.permanent
    for stage in ("production", "Development", ""):
        with pytest.raises(ValueError, match="is not a stage"):
            manager.promote_model(unique, 1, stage)
    with pytest.raises(IntegrationError, match="no version in Production"):
        manager.load_production_model(unique)


def test_runs_are_compared_in_the_order_asked_for(manager: MLflowModelManager, unique: str) -> None:
    first, second = log(manager, unique), log(manager, unique, "1.1.0")
    compared = manager.compare_runs([second, first])
    assert [one["run_id"] for one in compared] == [second, first]
    assert compared[0]["params"] == {"lr": "0.1"}
    assert compared[0]["metrics"] == {"val_loss": 0.5}
    assert compared[0]["tags"]["model_version"] == "1.1.0"


def test_lost_answers_leave_one_run_and_one_version(mlflow_url: str, unique: str) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        manager = MLflowModelManager(unique, proxy.url)
        for mark in ("runs/create", "runs/log-batch", "PUT", "model-versions/create", "runs/update"):
            proxy.lose(mark)
        run_id = log(manager, unique)
        assert proxy.lost == 5
    direct = MLflowModelManager(unique, mlflow_url).server
    found = direct.experiment_named(unique)
    assert found is not None
    assert [run.run_id for run in direct.search_runs([found.experiment_id]).runs] == [run_id]
    assert [one.run_id for one in direct.model_versions(unique)] == [run_id]


def test_a_failure_marks_the_run_as_failed(manager: MLflowModelManager, unique: str) -> None:
    with pytest.raises(IntegrationError, match="not a regular file"):
        log(manager, unique, artifacts={"x": "/no/such/file"})
    found = manager.server.experiment_named(unique)
    assert found is not None
    (run,) = manager.server.search_runs([found.experiment_id]).runs
    assert run.status == "FAILED"
    assert manager.server.model_versions(unique) == ()


def test_the_server_chooses_the_artifact_location(manager: MLflowModelManager, unique: str) -> None:
    found = manager.server.experiment_named(unique)
    assert found is not None
    assert found.artifact_location.startswith("mlflow-artifacts:/")


def test_the_state_of_plain_mlflow_is_left_alone(manager: MLflowModelManager, unique: str) -> None:
    before = mlflow.get_tracking_uri()
    log(manager, unique)
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == before
