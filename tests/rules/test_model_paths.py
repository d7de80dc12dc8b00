"""The path of the model in `dvc.yaml` names a file of the clone, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.dvc_files import read_pipeline
from integrations.errors import IntegrationError
from registry.logged_model import file_in, model_of


def declared(path: str) -> str:
    found = model_of(read_pipeline(f"artifacts: {{m: {{path: {path!r}, type: model}}}}"))
    assert found is not None
    return found[1]


def test_a_model_in_the_clone_is_found(tmp_path: Path) -> None:
    assert file_in(tmp_path, declared("models/model.pt2")) == tmp_path / "models" / "model.pt2"
    assert file_in(tmp_path, declared("models/../other")) == tmp_path / "other"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../..", "models/../../x", "..", ".", ".git", ".dvc/config", "${where}/m.pt2"]
)
def test_a_path_that_leaves_the_clone_is_refused_for_good(tmp_path: Path, path: str) -> None:
    with pytest.raises(IntegrationError, match="not inside the repository") as caught:
        file_in(tmp_path, declared(path))
    assert caught.value.permanent


def test_a_linked_folder_on_the_way_is_refused(tmp_path: Path) -> None:
    clone, outside = tmp_path / "clone", tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "model.bin").write_bytes(b"x")
    clone.mkdir()
    (clone / "models").symlink_to(outside)
    for path in ("models/deep/model.bin", "models/deep"):
        with pytest.raises(IntegrationError, match="through a link") as caught:
            file_in(clone, path)
        assert caught.value.permanent


def test_the_folders_above_the_clone_may_be_links(tmp_path: Path) -> None:
    (tmp_path / "disk" / "clone").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    clone = tmp_path / "data" / "clone"
    assert file_in(clone, "models/model.pt2") == clone / "models" / "model.pt2"
