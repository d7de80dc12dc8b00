"""The smoke test of a model: it is run in a process of its own, and nothing in it is unpickled."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

import mlflow.pytorch
import numpy as np
import pytest
import torch

from integrations import model_smoke
from integrations.model_packaging import package_pt2
from integrations.model_smoke import SmokeTest


class Bomb:
    """Writes a canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


class Gap(torch.nn.Module):
    """Gives NaN."""

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return a * float("nan")


@pytest.fixture(scope="module")
def folder(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("smoke") / "model"
    example = archive.with_name("input_example.npy")
    return package_pt2(archive, example, target, env=os.environ).path


def tried(folder: Path, tmp_path: Path, **changes: object) -> SmokeTest:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    found = model_smoke.run(folder, work, env=os.environ, **changes)  # type: ignore[arg-type]
    assert found is not None
    return found


def saved(network: torch.nn.Module, target: Path, example: object) -> Path:
    """Save a network with MLflow's own client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pytorch.save_model(network, str(target), input_example=example, pip_requirements=[])
    return target


def test_a_packaged_model_runs_its_example_and_its_shapes_are_told(folder: Path, tmp_path: Path) -> None:
    found = tried(folder, tmp_path)

    assert found.passed, found.reason
    assert found.inputs == ("float32[2, 1, 16, 24]",)
    assert found.outputs == ("float32[2, 24, 11]",)
    assert found.load_seconds > 0
    assert found.run_seconds > 0


def test_a_model_of_mlflows_client_gets_its_example_in_the_type_that_it_takes(tmp_path: Path) -> None:
    example = np.ones((2, 3), dtype="float32")
    found = tried(saved(torch.nn.Linear(3, 5).eval(), tmp_path / "model", example), tmp_path)

    assert found.passed, found.reason
    assert (found.inputs, found.outputs) == (("float32[2, 3]",), ("float32[2, 5]",))


def test_a_model_that_gives_nan_fails(tmp_path: Path) -> None:
    found = tried(saved(Gap().eval(), tmp_path / "model", np.ones((1, 2), dtype="float32")), tmp_path)

    assert (found.passed, found.reason) == (False, "The model gives NaN for its input example.")


def test_a_pickled_model_fails_with_the_reason_and_its_canary_is_not_written(
    folder: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    pickled = tmp_path / "model"
    shutil.copytree(folder, pickled)
    torch.save(Bomb(canary), pickled / "data" / "model.pth")
    found = tried(pickled, tmp_path)

    assert not found.passed
    assert "could run code" in found.reason
    assert "saved as pickle" in found.reason
    assert not canary.exists()
    torch.load(pickled / "data" / "model.pth", weights_only=False)
    assert canary.exists()  # it would have been written


def test_a_pickle_under_the_name_of_an_archive_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    disguised = tmp_path / "model"
    shutil.copytree(folder, disguised)
    torch.save(Bomb(canary), disguised / "data" / "model.pt2")
    found = tried(disguised, tmp_path)

    assert not found.passed
    assert "could run code" in found.reason
    assert not canary.exists()


def test_a_model_without_an_example_is_loaded_but_does_not_pass(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "model"
    shutil.copytree(folder, bare)
    (bare / "input_example.npy").unlink()
    found = tried(bare, tmp_path)

    assert not found.passed
    assert found.reason == "The model was loaded, but it has no input example that could be run."


def test_an_example_that_the_model_does_not_take_fails_with_the_models_own_words(
    folder: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "model"
    shutil.copytree(folder, odd)
    np.save(odd / "input_example.npy", np.zeros((2, 1, 16, 25), dtype="float32"))
    found = tried(odd, tmp_path)

    assert not found.passed
    assert found.reason.startswith("The model cannot be run: ")


def test_a_folder_that_is_no_model_fails(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    found = tried(tmp_path / "model", tmp_path)

    assert found == SmokeTest(False, "The artifacts are not an MLflow model for PyTorch.")


def test_memory_beyond_the_limit_is_refused(folder: Path, tmp_path: Path) -> None:
    found = tried(folder, tmp_path, memory_bytes=100 * 1024**2)

    assert not found.passed
    assert found.reason


def test_a_model_that_takes_too_long_is_ended(folder: Path, tmp_path: Path) -> None:
    found = tried(folder, tmp_path, time_limit=0.3)

    assert (found.passed, found.reason) == (False, "The model did not answer within 0 seconds.")


def test_a_test_that_is_told_to_stop_has_no_result(folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    assert model_smoke.run(folder, work, env=os.environ, should_stop=lambda: True) is None


def test_the_process_gets_no_credentials(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    real = model_smoke.process_group.run

    def spied(argv: list[str], **options: object) -> object:
        seen.update(options["env"])  # type: ignore[arg-type]
        return real(argv, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(model_smoke.process_group, "run", spied)
    assert tried(folder, tmp_path).passed
    assert seen["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert "AWS_SECRET_ACCESS_KEY" not in seen
