"""The pipeline in a real Git + DVC repository with a remote, and in a fresh clone of it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

NOTHING_CHANGED = "Data and pipelines are up to date."
SMALL = {
    "preprocess": {"train_samples": 96, "val_samples": 32, "amount_digits": [2, 4], "canvas": [16, 48]},
    "train": {"epochs": 1, "channels": [4, 8], "hidden_size": 8},
}


def _run(folder: Path, *command: str) -> str:
    programs = str(Path(sys.executable).parent)
    env = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder.parent),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "Test" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "test@localhost" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        command, cwd=folder, env=env, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def repository(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which a small pipeline was run, committed and pushed."""
    folder = tmp_path_factory.mktemp("receipt") / "first"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("__pycache__"))
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    for group, values in SMALL.items():
        params[group].update(values)
    yaml.dump(params, folder / "params.yaml")
    _run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    _run(folder, "dvc", "init", "--quiet")
    _run(folder, "dvc", "remote", "add", "--default", "storage", str(folder.parent / "remote"))
    _run(folder, "python", "src/import_digits.py", "--output", "data/raw", "--limit", "400")
    _run(folder, "dvc", "add", "data/raw")
    _run(folder, "git", "add", "--all")
    _run(folder, "git", "commit", "--message", "Start")
    _run(folder, "dvc", "repro")
    _run(folder, "git", "add", "--all")
    _run(folder, "git", "commit", "--message", "Run the pipeline")
    _run(folder, "dvc", "push")
    return folder


@pytest.fixture(scope="module")
def clone(repository: Path) -> Path:
    """A fresh clone with pulled data, in another folder and with a cache of its own."""
    folder = repository.parent / "deeper" / "second"
    _run(repository, "git", "clone", "--quiet", str(repository), str(folder))
    _run(folder, "dvc", "pull")
    return folder


def test_git_keeps_code_and_numbers_while_dvc_keeps_data_and_model(repository: Path) -> None:
    tracked = _run(repository, "git", "ls-files").splitlines()
    assert {"dvc.lock", "data/raw.dvc", "metrics/eval.json", "plots/history.csv"} <= set(tracked)
    assert not [path for path in tracked if path.startswith(("data/raw/", "data/processed/", "models/"))]
    assert _run(repository, "git", "status", "--short") == ""


def test_a_run_adds_its_results_and_touches_nothing_else(repository: Path) -> None:
    added = _run(repository, "git", "show", "--format=", "--name-status", "HEAD").split()
    results = ["dvc.lock", "metrics/data.json", "metrics/eval.json", "metrics/train.json"]
    results += ["plots/confusion.csv", "plots/history.csv"]
    assert added == [word for path in results for word in ("A", path)]


def test_metrics_are_numbers_only_and_agree_with_each_other(repository: Path) -> None:
    data, train, evaluation = (
        json.loads((repository / "metrics" / f"{name}.json").read_text())
        for name in ("data", "train", "eval")
    )
    assert set(data) == {"train_samples", "val_samples", "split_ratio", "train_images", "val_images"}
    assert set(train) == {"train_loss", "val_loss", "epochs"}
    assert set(evaluation) == {"val_loss", "val_accuracy", "val_cer", "val_wer"}
    values = [*data.values(), *train.values(), *evaluation.values()]
    assert all(type(value) in (int, float) for value in values)
    assert data["train_images"] + data["val_images"] == 400
    assert evaluation["val_loss"] == pytest.approx(train["val_loss"], abs=2e-6)
    assert evaluation["val_wer"] == pytest.approx(1 - evaluation["val_accuracy"])


def test_the_plots_have_one_row_per_epoch_and_per_digit_pair(repository: Path) -> None:
    with (repository / "plots" / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["epoch", "train_loss", "val_loss", "val_accuracy", "val_cer", "val_wer"]
    assert [row["epoch"] for row in rows] == ["1"]
    with (repository / "plots" / "confusion.csv").open() as stream:
        header, *pairs = csv.reader(stream)
    assert header == ["actual", "predicted"]
    assert all(len(digit) == 1 and digit.isdigit() for pair in pairs for digit in pair)


def test_no_scan_is_used_for_both_training_and_validation_amounts(repository: Path) -> None:
    used = {}
    for part in ("train", "val"):
        with (repository / "data" / "processed" / f"{part}.csv").open() as stream:
            used[part] = {name for row in csv.DictReader(stream) for name in row["scans"].split()}
    assert len(used["train"]) > 100
    assert used["train"].isdisjoint(used["val"])


def test_the_model_folder_is_enough_to_use_the_model(repository: Path) -> None:
    models = repository / "models"
    assert {path.name for path in models.iterdir()} == {"model.pt2", "model_info.json", "input_example.npy"}
    info = json.loads((models / "model_info.json").read_text())
    example = np.load(models / "input_example.npy", allow_pickle=False)
    scores = torch.export.load(models / "model.pt2").module()(torch.from_numpy(example))
    assert list(example.shape[1:]) == info["input_schema"][0]["shape"][1:]
    assert list(scores.shape[1:]) == info["output_schema"][0]["shape"][1:]


def test_dvc_shows_the_metrics_and_knows_the_model_by_name(repository: Path) -> None:
    shown = json.loads(_run(repository, "dvc", "metrics", "show", "--json"))
    assert set(shown[""]["data"]) == {f"metrics/{name}.json" for name in ("data", "train", "eval")}
    artifacts = YAML(typ="safe").load(repository / "dvc.yaml")["artifacts"]
    assert (repository / artifacts["receipt-ocr"]["path"]).is_file()


def test_running_again_changes_nothing(repository: Path) -> None:
    assert NOTHING_CHANGED in _run(repository, "dvc", "repro")
    assert _run(repository, "git", "status", "--short") == ""


def test_a_fresh_clone_with_pulled_data_has_nothing_to_run(clone: Path) -> None:
    assert NOTHING_CHANGED in _run(clone, "dvc", "repro")
    assert _run(clone, "git", "status", "--short") == ""


def test_a_changed_training_parameter_concerns_training_only(clone: Path) -> None:
    params = clone / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("learning_rate: 0.01 ", "learning_rate: 0.02 "))
    status = json.loads(_run(clone, "dvc", "status", "--json"))
    params.write_text(before)
    assert list(status) == ["train"]
    assert "train.learning_rate" in json.dumps(status)


def test_running_everything_again_elsewhere_gives_the_same_bytes(clone: Path) -> None:
    _run(clone, "dvc", "repro", "--force")
    assert _run(clone, "git", "status", "--short") == ""
