"""A small real DVC project, whose stages are plain Python scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from integrations.dvc_commands import dvc_environment, dvc_executable
from tests.integrations.git_workshop import make_repository

FILES = {
    "prepare.py": """
import pathlib, params
folder = pathlib.Path("data")
folder.mkdir(exist_ok=True)
for row in range(params.read()["prepare"]["rows"]):
    (folder / f"{row}.txt").write_text(str(row))
""",
    "train.py": """
import json, pathlib, params
chosen = params.read()["train"]
print("training with", chosen["learning_rate"])
exec(chosen["behaviour"].replace("+", " ")) if chosen["behaviour"] != "normal" else None
pathlib.Path("model.bin").write_text(repr(chosen["learning_rate"]) * 100)
pathlib.Path("metrics.json").write_text(json.dumps(
    {"loss": chosen["learning_rate"] * 2, "rows": len(list(pathlib.Path("data").iterdir()))}))
pathlib.Path("plots").mkdir(exist_ok=True)
pathlib.Path("plots/curve.csv").write_text("epoch,loss\\n1,2\\n2,1\\n")
""",
    "params.py": """
import yaml
def read():
    with open("params.yaml") as file:
        return yaml.safe_load(file)
""",
    "params.yaml": """\
prepare:
  rows: 3  # how many files
train:
  learning_rate: 3.0e-4
  optimizer: AdamW
  shuffle: true
  scheduler: null
  behaviour: normal
  size: [2, 2]
""",
    "dvc.yaml": """\
stages:
  prepare:
    cmd: python prepare.py
    deps: [prepare.py]
    params: [prepare.rows]
    outs: [data]
  train:
    cmd: python train.py
    deps: [train.py, data]
    params: [train.learning_rate, train.behaviour]
    outs: [model.bin]
    metrics: [metrics.json: {cache: false}]
    plots: [plots: {cache: false, x: epoch, y: loss}]
""",
    ".gitignore": "/data\n/model.bin\n__pycache__\n",
    ".dvcignore": "*.tmp\n",
    ".dvc/config": "[core]\n    site_cache_dir = /nonexistent/chosen/by/the/repository\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
}


def make_project(path: Path, **more: str) -> Path:
    """Make a Git and DVC repository with one commit; ``more`` replaces or adds files."""
    return make_repository(path, {**FILES, **more})


def environment(path: Path) -> dict[str, str]:
    """Return the environment in which a job would run DVC, with a home below ``path``."""
    return dvc_environment(path / "home", path / "site")


def dvc(directory: Path, *arguments: str) -> str:
    """Run DVC as a user would, and return what it printed."""
    site = directory.parent / f"site-of-{directory.name}"
    done = subprocess.run(
        [dvc_executable(), *arguments],
        cwd=directory,
        env=dvc_environment(directory.parent, site),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
