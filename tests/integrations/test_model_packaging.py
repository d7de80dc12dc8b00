"""Packaging a `pt2` archive: the folder loads from a real MLflow server with unpickling off."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from integrations.artifacts import Artifacts
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from integrations.model_packaging import PackagedModel, package_pt2, packager_environment
from tests.integrations.small_models import Reader

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def example(archive: Path) -> Path:
    return archive.with_name("input_example.npy")


@pytest.fixture(scope="module")
def packaged(archive: Path, example: Path, tmp_path_factory: pytest.TempPathFactory) -> PackagedModel:
    folder = tmp_path_factory.mktemp("packaged") / "model"
    return package_pt2(archive, example, folder, env=os.environ, run_id="a" * 32, created_at=MOMENT)


def test_the_folder_is_a_model_with_signature_and_the_very_same_archive(
    packaged: PackagedModel, archive: Path
) -> None:
    assert (packaged.path / "data" / "model.pt2").read_bytes() == archive.read_bytes()
    assert packaged.num_params == sum(p.numel() for p in Reader().parameters())
    signature = json.loads(packaged.signature)
    assert json.loads(signature["inputs"])[0]["tensor-spec"] == {
        "dtype": "float32",
        "shape": [-1, 1, 16, 24],
    }
    about = mlflow.models.Model.load(str(packaged.path))
    assert (about.run_id, about.artifact_path) == ("a" * 32, "model")
    assert about.utc_time_created == "2026-01-02 03:04:05"
    assert f"torch=={torch.__version__.partition('+')[0]}" in (packaged.path / "requirements.txt").read_text()
    assert sorted(path.name for path in packaged.path.iterdir()) == [
        *("MLmodel", "conda.yaml", "data", "input_example.npy", "python_env.yaml", "requirements.txt")
    ]


def test_a_registered_version_loads_by_number_and_alias_with_unpickling_off(
    server: MLflowServer,
    mlflow_url: str,
    packaged: PackagedModel,
    example: Path,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = server.find_or_create_run(unique, key="k", name="n", start_time=1).run_id
    server.log_artifacts(run_id, packaged.path, "model")
    server.find_or_create_model_version(unique, key="k", run_id=run_id, source=f"runs:/{run_id}/model")
    server.mirror_stage(unique, 1, "Production")

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
    batch = np.concatenate([np.load(example)] * 3)
    expected = mlflow.pytorch.load_model(str(packaged.path))(torch.from_numpy(batch)).detach().numpy()
    assert expected.shape == (6, 24, 11)
    for uri in (f"models:/{unique}/1", f"models:/{unique}@champion", f"runs:/{run_id}/model"):
        # without a folder of ours MLflow leaves one behind
        loaded = mlflow.pytorch.load_model(uri, dst_path=str(tmp_path))
        np.testing.assert_allclose(loaded(torch.from_numpy(batch)).detach().numpy(), expected)
        np.testing.assert_allclose(
            mlflow.pyfunc.load_model(uri, dst_path=str(tmp_path)).predict(batch), expected
        )
    paths = {file.path for file in Artifacts(server).manifest(f"models:/{unique}/1")}
    assert {"MLmodel", "data/model.pt2"} <= paths


def test_the_same_arguments_give_the_same_bytes(
    packaged: PackagedModel, archive: Path, example: Path, tmp_path: Path
) -> None:
    again = package_pt2(
        archive, example, tmp_path / "again", env=os.environ, run_id="a" * 32, created_at=MOMENT
    )
    for file in packaged.path.rglob("*"):
        if file.is_file():
            assert (again.path / file.relative_to(packaged.path)).read_bytes() == file.read_bytes()


def test_an_archive_without_example_is_packaged_and_loads(archive: Path, tmp_path: Path) -> None:
    packaged = package_pt2(archive, None, tmp_path / "model", env=os.environ)
    assert packaged.signature
    assert not (packaged.path / "input_example.npy").exists()


def test_an_example_that_does_not_fit_is_named(archive: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "wrong.npy", np.zeros((2, 1, 16, 23), dtype=np.float32))
    with pytest.raises(IntegrationError, match=r"float32\[2, 1, 16, 23\], but the model takes") as caught:
        package_pt2(archive, tmp_path / "wrong.npy", tmp_path / "model", env=os.environ)
    assert caught.value.permanent
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wrong.npy"]


def test_an_archive_that_could_run_code_is_never_loaded(archive: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    evil = tmp_path / "evil.pt2"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(evil, "w") as out:
        for one in source.infolist():
            data = source.read(one)
            if one.filename.endswith("model.json"):
                program = json.loads(data)
                program["guards_code"] = [f"__import__('os').system('touch {trace}') == 0"]
                data = json.dumps(program).encode()
            out.writestr(one.filename, data)
    with pytest.raises(IntegrationError, match="could run code") as caught:
        package_pt2(evil, None, tmp_path / "model", env=os.environ)
    assert caught.value.permanent
    assert not trace.exists()


def test_other_formats_and_existing_folders_are_refused(archive: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "model.pt2")
    with pytest.raises(IntegrationError, match="not a pt2 archive but torch zip"):
        package_pt2(tmp_path / "model.pt2", None, tmp_path / "model", env=os.environ)
    (tmp_path / "model").mkdir()
    with pytest.raises(IntegrationError, match="exists already"):
        package_pt2(archive, None, tmp_path / "model", env=os.environ)


def test_a_time_limit_ends_the_process_and_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(IntegrationError, match="longer than") as caught:
        package_pt2(archive, None, tmp_path / "model", env=os.environ, time_limit=0.3)
    assert not caught.value.permanent
    assert list(tmp_path.iterdir()) == []


def test_no_credential_reaches_the_process(tmp_path: Path) -> None:
    env = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "STAGEGATE_SECRET_KEY": "x", "DATABASE_URL": "x"}
    env |= {
        "MLFLOW_TRACKING_PASSWORD": "x",
        "MLFLOW_TRACKING_URI": "http://x",
        "PYTHONPATH": "x",
        "HOME": "x",
    }
    handed_over = packager_environment(env, tmp_path)
    assert "x" not in handed_over.values()
    assert handed_over["PATH"] == "/bin"
    assert handed_over["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
