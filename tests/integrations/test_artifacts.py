"""Artifacts behind the MLflow proxy, in a folder and in S3: the same files give the same manifest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.artifact_stores import ArtifactEntry, safe_path
from integrations.artifacts import ArtifactFile, Artifacts, manifest_digest
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from tests.faults import lossy_proxy
from tests.servers import s3_server

FILES = {
    "MLmodel": b"flavors: {}\n",
    "data/model.pt2": os.urandom(3_000_000),
    "data/empty": b"",
    "그림 1/손실 곡선.png": b"\x89PNG",
}
EXPECTED = tuple(
    ArtifactFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in sorted(FILES.items())
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like the output of a job."""
    root = tmp_path / "output"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def run_id(server: MLflowServer, unique: str) -> str:
    return server.find_or_create_run("artifacts", key=unique, name=unique, start_time=1).run_id


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket at a real S3 endpoint."""
    with s3_server(tmp_path_factory.mktemp("s3"), "models") as env, pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield "s3://models"


def test_what_is_uploaded_comes_back_under_every_name(
    server: MLflowServer, run_id: str, folder: Path, unique: str, tmp_path: Path
) -> None:
    assert server.log_artifacts(run_id, folder, "model") == len(FILES)
    server.find_or_create_model_version(unique, key="k", run_id=run_id, source=f"runs:/{run_id}/model")
    server.set_alias(unique, "champion", 1)
    artifacts = Artifacts(server)

    root = server.run(run_id).artifact_uri
    names = (f"runs:/{run_id}/model", f"models:/{unique}/1", f"models:/{unique}@champion", f"{root}/model")
    for uri in names:
        assert artifacts.manifest(uri) == EXPECTED, uri
    assert b"".join(artifacts.stream(f"models:/{unique}/1", "data/model.pt2")) == FILES["data/model.pt2"]
    assert artifacts.download(f"models:/{unique}/1/data", tmp_path / "copy") == (
        ArtifactFile("empty", 0, EXPECTED[1].sha256),
        ArtifactFile("model.pt2", 3_000_000, EXPECTED[2].sha256),
    )
    assert (tmp_path / "copy" / "model.pt2").read_bytes() == FILES["data/model.pt2"]


def test_a_folder_is_listed(server: MLflowServer, run_id: str, folder: Path) -> None:
    server.log_artifacts(run_id, folder)
    artifacts = Artifacts(server)
    names = {(entry.name, entry.is_dir) for entry in artifacts.entries(f"runs:/{run_id}")}
    assert names == {("MLmodel", False), ("data", True), ("그림 1", True)}
    inside = artifacts.entries(f"runs:/{run_id}", "data")
    assert ArtifactEntry("model.pt2", False, 3_000_000) in inside
    assert artifacts.entries(f"runs:/{run_id}", "nowhere") == []


def test_uploading_again_after_lost_answers_changes_nothing(
    mlflow_url: str, run_id: str, folder: Path
) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        proxy.lose("PUT", times=2)
        server.log_artifacts(run_id, folder)
        server.log_artifacts(run_id, folder)
        server.log_artifact(run_id, folder / "MLmodel")
        assert proxy.lost == 2
        assert Artifacts(server).manifest(f"runs:/{run_id}") == EXPECTED


def test_a_folder_on_this_machine_gives_the_same_manifest(mlflow_url: str, folder: Path) -> None:
    server = MLflowServer(mlflow_url, local_artifact_roots=[folder.parent])
    assert Artifacts(server).manifest(str(folder)) == EXPECTED
    assert Artifacts(server).manifest(folder.as_uri()) == EXPECTED
    server.store(str(folder)).put("new/file", folder / "MLmodel")
    assert (folder / "new" / "file").read_bytes() == FILES["MLmodel"]


def test_s3_gives_the_same_manifest(server: MLflowServer, bucket: str, folder: Path) -> None:
    store = server.store(f"{bucket}/runs/7")
    for name in FILES:
        store.put(name, folder / name)
    artifacts = Artifacts(server)
    assert artifacts.manifest(f"{bucket}/runs/7") == EXPECTED
    assert artifacts.manifest(bucket)[0].path == "runs/7/MLmodel"
    assert artifacts.entries(f"{bucket}/runs/7", "data") == [
        ArtifactEntry("empty", False, 0),
        ArtifactEntry("model.pt2", False, 3_000_000),
    ]
    with pytest.raises(IntegrationError, match="no artifact") as caught:
        list(artifacts.stream(f"{bucket}/runs/7", "absent"))
    assert caught.value.permanent


def test_s3_that_is_down_is_a_temporary_error(server: MLflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with pytest.raises(IntegrationError) as caught:
        Artifacts(server).manifest("s3://models/runs")
    assert not caught.value.permanent


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "a//b", ".", "a/./b", "a\\b", "a%2e", "a#b", "a\0b", "a?b"]
)
def test_paths_that_could_leave_the_root_are_refused(
    server: MLflowServer, run_id: str, path: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    artifacts = Artifacts(server)
    local = MLflowServer("http://127.0.0.1:1", local_artifact_roots=[tmp_path]).store(str(tmp_path))
    for call in (
        lambda: safe_path(path),
        lambda: artifacts.entries(f"runs:/{run_id}", path),
        lambda: list(artifacts.stream(f"runs:/{run_id}", path)),
        lambda: server.log_artifact(run_id, file, path),
        lambda: list(local.stream(path)),
        lambda: local.put(path, file),
    ):
        with pytest.raises(IntegrationError, match="not a usable artifact path") as caught:
            call()
        assert caught.value.permanent


def test_links_that_leave_a_local_folder_are_not_followed(mlflow_url: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "link").symlink_to(tmp_path / "secret")
    server = MLflowServer(mlflow_url, local_artifact_roots=[inside])
    with pytest.raises(IntegrationError, match="leads out"):
        Artifacts(server).manifest(str(inside))


@pytest.mark.parametrize("uri", ["/etc", "file:///etc", "relative/path", "ftp://host/x", "http://host/x"])
def test_places_that_nobody_allowed_are_refused(server: MLflowServer, uri: str) -> None:
    with pytest.raises(IntegrationError) as caught:
        Artifacts(server).manifest(uri)
    assert caught.value.permanent


def test_the_proxy_of_another_host_is_refused(server: MLflowServer) -> None:
    with pytest.raises(IntegrationError, match="not on our MLflow server"):
        server.store("mlflow-artifacts://other.invalid:5000/0/x")


def test_links_in_a_jobs_output_are_not_uploaded(
    server: MLflowServer, run_id: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    for name, target in {"link": tmp_path / "secret", "data/folder": tmp_path}.items():
        (folder / name).symlink_to(target)
        with pytest.raises(IntegrationError, match="not a regular file"):
            server.log_artifacts(run_id, folder)
        (folder / name).unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(IntegrationError, match="not a regular file"):
        server.log_artifacts(run_id, folder)
    assert Artifacts(server).entries(f"runs:/{run_id}") == []


def test_bounds_and_absence_are_permanent_errors(server: MLflowServer, run_id: str, folder: Path) -> None:
    artifacts = Artifacts(server)
    with pytest.raises(IntegrationError, match="no artifacts"):
        artifacts.manifest(f"runs:/{run_id}")
    server.log_artifacts(run_id, folder)
    with pytest.raises(IntegrationError, match="More than 2 artifacts"):
        artifacts.manifest(f"runs:/{run_id}", max_files=2)
    with pytest.raises(IntegrationError, match="too large") as caught:
        artifacts.manifest(f"runs:/{run_id}", max_bytes=1_000_000)
    assert caught.value.permanent
    with pytest.raises(IntegrationError, match="No such artifact"):
        list(artifacts.stream(f"runs:/{run_id}", "absent"))
    for uri in ("models:/nobody/1", "models:/nobody@champion", "models:/nobody/Production", "models:/m-1"):
        with pytest.raises(IntegrationError) as caught:
            artifacts.manifest(uri)
        assert caught.value.permanent


def test_a_file_cut_short_on_the_way_is_a_temporary_error(mlflow_url: str, run_id: str, folder: Path) -> None:
    with lossy_proxy(mlflow_url) as proxy:
        server = MLflowServer(proxy.url)
        server.log_artifacts(run_id, folder)
        proxy.cut("model.pt2")
        with pytest.raises(IntegrationError, match="cannot be reached") as caught:
            Artifacts(server).manifest(f"runs:/{run_id}")
        assert proxy.lost == 1
        assert not caught.value.permanent
        assert Artifacts(server).manifest(f"runs:/{run_id}") == EXPECTED


def test_the_digest_depends_on_path_size_and_content_but_not_on_order() -> None:
    one, two = ArtifactFile("a", 1, "00"), ArtifactFile("b", 2, "11")
    digest = manifest_digest([one, two])
    assert digest == manifest_digest((two, one))
    assert digest == hashlib.sha256(b'[["a",1,"00"],["b",2,"11"]]').hexdigest()
    changed = [ArtifactFile("c", 1, "00"), ArtifactFile("a", 3, "00"), ArtifactFile("a", 1, "22")]
    assert len({manifest_digest([change, two]) for change in changed} | {digest}) == 4
