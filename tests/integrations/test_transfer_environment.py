"""What a transfer of data is told of the worker's surroundings, and a stage is not."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments import stage_environment
from integrations.dvc_commands import dvc_executable
from tests.servers import s3_server

CONFIG = """\
[core]
    no_scm = True
    remote = storage
['remote "storage"']
    url = s3://data/dvc
"""
MD5 = hashlib.md5(b"abc", usedforsecurity=False).hexdigest()
TRACKED = f"outs: [{{md5: {MD5}, size: 3, hash: md5, path: letters.txt}}]"


def test_data_go_to_the_s3_endpoint_of_mlflow_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, project = tmp_path / "workspace", tmp_path / "project"
    workspace.mkdir()
    project.mkdir()
    with s3_server(tmp_path, "data") as given:
        for name, value in {**given, "AWS_ENDPOINT_URL": ""}.items():
            monkeypatch.setenv(name, value)  # empty, as Compose hands on what nobody set
        env = stage_environment.for_transfers(workspace)
        (project / ".dvc").mkdir()
        (project / ".dvc" / "config").write_text(CONFIG)
        cached = project / ".dvc" / "cache" / "files" / "md5" / MD5[:2] / MD5[2:]
        cached.parent.mkdir(parents=True)
        cached.write_text("abc")
        (project / "letters.txt.dvc").write_text(TRACKED)
        run(project, env, "push")
        assert [file for file in (tmp_path / "buckets" / "data").rglob("*") if file.is_file()]

        shutil.rmtree(project / ".dvc" / "cache")
        run(project, env, "pull")
        assert (project / "letters.txt").read_text() == "abc"


def test_an_endpoint_of_its_own_is_kept(tmp_path: Path) -> None:
    source = {"MLFLOW_S3_ENDPOINT_URL": "http://mlflow:1", "AWS_ENDPOINT_URL": "http://data:2"}
    assert stage_environment.for_transfers(tmp_path, source)["AWS_ENDPOINT_URL"] == "http://data:2"
    assert "AWS_ENDPOINT_URL" not in stage_environment.for_transfers(tmp_path, {})


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy"])
def test_a_proxy_is_for_transfers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://user:s3cret@proxy:3128")
    assert stage_environment.for_transfers(tmp_path)[name] == "http://user:s3cret@proxy:3128"
    assert "s3cret" not in str(stage_environment.for_stages(tmp_path))


def test_what_a_foreign_configuration_rules_gets_no_password(tmp_path: Path) -> None:
    source = {
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "MLFLOW_S3_ENDPOINT_URL": "http://mlflow:1",
        "http_proxy": "http://user:s3cret@proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    found = stage_environment.for_foreign_transfers(tmp_path, source)
    assert found["HTTPS_PROXY"] == "http://proxy:3128"
    assert "s3cret" not in str(found)
    assert not [name for name in found if name.startswith("AWS_")]


def run(project: Path, env: dict[str, str], command: str) -> None:
    done = subprocess.run(
        [dvc_executable(), command], cwd=project, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
