"""A small Git + DVC project as an upstream: tracked raw data, three stages of plain Python, a remote."""

from __future__ import annotations

import subprocess
from pathlib import Path

from django.utils import timezone

from experiments import commit_index
from experiments.models import Repository
from integrations.dvc_commands import dvc_environment, dvc_executable
from tests.integrations.git_workshop import commit, make_repository

PREPARE = """\
import pathlib, settings
folder = pathlib.Path("data/clean")
folder.mkdir(parents=True, exist_ok=True)
for file in sorted(pathlib.Path("data/raw").iterdir())[: settings.read("prepare")["rows"]]:
    (folder / file.name).write_text(file.read_text().upper())
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/data.json").write_text('{"train_samples": 8, "split_ratio": 0.75}')
"""
TRAIN = """\
import json, os, pathlib, signal, sys, time, settings
chosen = settings.read("train")
print("training with", chosen["learning_rate"], flush=True)
if chosen["behaviour"] == "fail":
    print("the loss is not a number")
    sys.exit(3)
if chosen["behaviour"] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.fork()
    time.sleep(600)
if chosen["behaviour"] == "spoil":
    next(pathlib.Path("data/clean").iterdir()).write_text("spoiled")
time.sleep(chosen["seconds"])
for folder in ("models", "metrics", "plots"):
    pathlib.Path(folder).mkdir(exist_ok=True)
pathlib.Path("models/weights.txt").write_text(repr(chosen["learning_rate"]))
pathlib.Path("models/environment.json").write_text(json.dumps(dict(os.environ)))
loss = chosen["learning_rate"] * 2
measured = {"train_loss": loss, "val_loss": loss, "odd": float("nan")}
pathlib.Path("metrics/train.json").write_text(json.dumps(measured))
rows = [f"{epoch},{loss + 1 / epoch},{loss}" for epoch in range(1, chosen["epochs"] + 1)]
pathlib.Path("plots/history.csv").write_text("\\n".join(["epoch,train_loss,val_loss", *rows, ""]))
"""
EVALUATE = """\
import json, pathlib
rate = float(pathlib.Path("models/weights.txt").read_text())
pathlib.Path("metrics/eval.json").write_text(json.dumps({"val_loss": rate, "scores": {"val_cer": rate / 10}}))
pathlib.Path("plots/confusion.csv").write_text("actual,predicted\\n1,1\\n7,1\\n")
"""
SETTINGS = """\
from ruamel.yaml import YAML
def read(group):
    with open("params.yaml") as file:
        return YAML(typ="safe").load(file)[group]
"""
PARAMS = """\
data:
  name: letters
  version: "1.0.0"
prepare:
  rows: 3  # how many files
train:
  learning_rate: 0.5  # step size
  epochs: 2
  batch_size: 4
  optimizer: AdamW
  behaviour: normal
  seconds: 0.0
"""
PIPELINE = """\
stages:
  prepare:
    cmd: python prepare.py
    deps: [data/raw, prepare.py]
    params: [prepare.rows]
    outs: [data/clean]
    metrics: [metrics/data.json: {cache: false}]
  train:
    cmd: python train.py
    deps: [data/clean, train.py]
    params: [train]
    outs: [models]
    metrics: [metrics/train.json: {cache: false}]
    plots: [plots/history.csv: {cache: false, x: epoch, y: val_loss}]
  evaluate:
    cmd: python evaluate.py
    deps: [models, evaluate.py]
    metrics: [metrics/eval.json: {cache: false}]
    plots: [plots/confusion.csv: {cache: false, template: confusion, x: actual, y: predicted}]
artifacts:
  letters:
    path: models/weights.txt
    type: model
"""
FILES = {
    "prepare.py": PREPARE,
    "train.py": TRAIN,
    "evaluate.py": EVALUATE,
    "settings.py": SETTINGS,
    "params.yaml": PARAMS,
    "dvc.yaml": PIPELINE,
    ".gitignore": "/models\n__pycache__/\n",
    "data/.gitignore": "/clean\n",
}
# What makes it record all metadata of a version, too.
WITH_METADATA = {
    "params.yaml": PARAMS.replace("AdamW\n", "AdamW\n  scheduler: constant\n  weight_decay: 0.0\n"),
    "prepare.py": PREPARE.replace('"train_samples": 8', '"train_samples": 6, "val_samples": 2'),
    "train.py": TRAIN
    + """
info = {"architecture": "Table", "num_params": 1, "config": {"rows": 1}}
pathlib.Path("models/model_info.json").write_text(json.dumps(info))
""",
    "evaluate.py": EVALUATE.replace(
        '"scores": {"val_cer": rate / 10}', '"val_accuracy": 0.5, "val_cer": 0.5, "val_wer": 0.5'
    ),
}


def make_project(path: Path, remote: Path | None, **more: str) -> Path:
    """Make the project with its raw data added to DVC and pushed to a remote, if one is given."""
    make_repository(path, {**FILES, **more})
    dvc(path, "init", "--quiet")
    if remote is not None:
        dvc(path, "remote", "add", "--quiet", "--default", "storage", str(remote))
    raw = path / "data" / "raw"
    raw.mkdir(parents=True)
    for name in "abcd":
        (raw / f"{name}.txt").write_text(name * 10)
    dvc(path, "add", "--quiet", "data/raw")
    commit(path, {}, "Add the raw letters")
    if remote is not None:
        dvc(path, "push", "--quiet")
    return path


def connect(path: Path, name: str = "letters") -> Repository:
    """Create the repository's row and fetch it."""
    repository = Repository.objects.create(
        name=name, url=str(path), experiment_name=name, created_by="administrator", fetched_at=timezone.now()
    )
    commit_index.index(repository)
    repository.refresh_from_db()
    return repository


def dvc(directory: Path, *arguments: str) -> str:
    """Run DVC as a user would, and return what it printed."""
    env = dvc_environment(directory.parent, directory.parent / f"site-of-{directory.name}")
    done = subprocess.run(
        [dvc_executable(), *arguments], cwd=directory, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout
