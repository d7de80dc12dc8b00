"""Projects whose pipeline was run and pushed, changed copies of them, and versions made from them."""

from __future__ import annotations

import hashlib
import shutil
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from experiments import job_logs
from experiments.models import Job, Repository
from lineage import reproduction, reproduction_facts
from lineage.models import Reproduction
from lineage.rebuilt import Tolerance, tolerance_data
from registry.models import ModelVersion
from tests.integrations.git_workshop import git
from tests.jobs import make_job
from tests.pipeline_project import PARAMS, PREPARE, TRAIN, connect, dvc, make_project
from tests.versions import make_run, make_version

# What a hostile stage would look at. It is silent where no job runs it.
SPY = """
import os, pathlib, socket
data = pathlib.Path(os.environ["HOME"]).parents[2]
if (data / "jobs").is_dir():
    for name, value in os.environ.items():
        print("SPY environ", name, value)
    for place in (data, data.parent, pathlib.Path("/tmp")):
        # Unlike rglob it passes over folders that others remove meanwhile.
        for folder, _folders, names in os.walk(place):
            for name in names:
                print("SPY file", os.path.join(folder, name))
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        for what in ("environ", "root", "cwd", "fd"):
            try:
                target = process / what
                found = target.read_bytes() if what == "environ" else os.listdir(target)
                print("SPY process", target, str(found)[:300])
            except OSError:
                pass
    ports = pathlib.Path("params.yaml").read_text().partition("port: ")[2].split()
    try:
        socket.create_connection(("127.0.0.1", int(ports[0] if ports else 1)), 2)
        print("SPY network reached")
    except OSError:
        print("SPY network refused")
    try:
        (data / "planted").write_text("x")
    except OSError as error:
        print("SPY write", error)
"""
# The training of the project keeps its environment, which is never the same twice.
PLAIN_TRAIN = TRAIN.replace('pathlib.Path("models/environment.json").write_text', "str")


def make_recorded(root: Path, port: int) -> Path:
    """Make a project whose pipeline a plain client ran, committed and pushed; its first stage spies.

    :param port: of a server on this host, which it tries to reach
    """
    params = f"{PARAMS}spy:\n  port: {port}\n"
    files = {"train.py": PLAIN_TRAIN, "prepare.py": SPY + PREPARE, "params.yaml": params}
    upstream = make_project(root / "letters", root / "remote", **files)
    dvc(upstream, "repro", "--quiet")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "Run the pipeline")
    dvc(upstream, "push", "--quiet")
    return upstream


def make_variant(recorded: Path, root: Path, *, locked: bool = True, **files: str) -> Path:
    """Copy project and remote below `root` with other files, and commit them.

    :param locked: let `dvc.lock` say that the run was made with them
    """
    shutil.copytree(recorded, root / "letters", symlinks=True)
    shutil.copytree(recorded.parent / "remote", root / "remote")
    upstream = root / "letters"
    config = upstream / ".dvc" / "config"
    config.write_text(config.read_text().replace(str(recorded.parent / "remote"), str(root / "remote")))
    lock = upstream / "dvc.lock"
    for name, content in files.items():
        if locked:
            before, now = (upstream / name).read_bytes(), content.encode()
            text = lock.read_text().replace(_md5(before), _md5(now))
            lock.write_text(text.replace(f"size: {len(before)}\n", f"size: {len(now)}\n"))
        (upstream / name).write_text(content)
    git(upstream, "commit", "--quiet", "--all", "--message", "Change it")
    return upstream


def version_of(upstream: Path, number: str = "1.0.0", **changes: Any) -> ModelVersion:
    """Create a version made from the newest commit, connecting the repository if it is not."""
    repository = Repository.objects.filter(url=str(upstream)).first() or connect(upstream)
    sha = git(upstream, "rev-parse", "HEAD").strip()
    weights = (upstream / "models" / "weights.txt").read_bytes()
    sha256 = hashlib.sha256(weights).hexdigest()
    columns = {
        "run_id": changes["run_id"] if "run_id" in changes else make_run(metrics={}).run_id,
        "lineage": {"git_commit": sha, "stagegate.repository": repository.name},
        "metadata": {},
        "manifest": [{"path": "data/weights.txt", "size": len(weights), "sha256": sha256}],
    }
    return make_version(number, **{**columns, **changes})


def log_of(job: Job) -> str:
    """Return the log of a job."""
    return "\n".join(job_logs.read(job, limit=100_000).lines)


def data_dir() -> Path:
    """Return the data folder of this test."""
    return Path(settings.DATA_DIR)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def make_report(version: ModelVersion, **changes: Any) -> dict[str, Any]:
    """Return a report as a reproduction of `version` would write it."""
    metrics = [
        {"name": "val_cer", "recorded": 0.012, "rebuilt": 0.012, "difference": 0.0, "state": "identical"},
        {"name": "loss", "recorded": 0.5, "rebuilt": 0.501, "difference": 0.001, "state": "within"},
        {"name": "f1", "recorded": 0.9, "rebuilt": None, "difference": None, "state": "not_produced"},
    ]
    metrics = [{**row, "by": "run"} for row in metrics]
    row = {"stage": "train", "recorded": "a" * 32, "rebuilt": "a" * 32, "difference": None}
    return {
        **reproduction_facts.about(version),
        "job": 1,
        "asked_by": "auditor",
        "started_at": "2026-01-05T10:00:00+00:00",
        "finished_at": "2026-01-05T10:03:00+00:00",
        "tolerance": tolerance_data(Tolerance()),
        "inputs": [{"stage": "train", "path": "data/raw", "recorded": "b" * 32, "state": "same"}],
        "stages": [{"name": "train", "state": "ran", "seconds": 61.5}],
        "files": [{**row, "path": "models", "state": "identical"}],
        "metrics": metrics,
        "environment": {
            "recorded": {"python": "3.11.1"},
            "rebuilt": {"python": "3.11.7", "torch": "2.13.0", "cuda": "none", "machine": "Linux"},
            "differences": [{"name": "python", "recorded": "3.11.1", "rebuilt": "3.11.7"}],
        },
        "isolation": {"enclosed": True, "network": False, "why": ""},
        "registered": [
            {"path": "data/model.pt2", "sha256": "c" * 64, "source": "recorded", "from": "models/model.pt2"},
            {"path": "MLmodel", "sha256": "d" * 64, "source": "packaging", "from": ""},
        ],
        "verdict": "within_tolerance",
        "problem": "",
        **changes,
    }


def make_reproduction(version: ModelVersion, **changes: Any) -> Reproduction:
    """Have a report about `version` signed and kept, as the job does it."""
    job = make_job("running", kind="reproduce", key=f"reproduce:{version.pk}:{next(_numbers)}")
    report = make_report(version, **changes)
    return reproduction.store(_Context(job.pk, job.attempt, "auditor"), version, report)  # type: ignore[arg-type]


class _Context(NamedTuple):
    job_id: int
    attempt: int
    submitted_by: str


_numbers = count(1)
