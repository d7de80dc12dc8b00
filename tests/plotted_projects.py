"""Projects whose plots DVC keeps, as real repositories that are connected and indexed; and what is drawn."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.roles import Role
from experiments import repositories
from experiments.models import Repository
from lineage import plot_requests
from lineage.models import HistoryCommit
from lineage.plot_drawing import Drawn
from lineage.selectors import plots as selectors
from tests.integrations.git_workshop import commit
from tests.integrations.git_workshop import make_repository as make_git
from tests.jobs import run_all
from tests.people import make_user

BEFORE, NOW = b"epoch,loss\n1,0.75\n2,0.5\n", b"epoch,loss\n1,0.5\n2,0.25\n"
DVC_YAML = """\
stages:
  train:
    cmd: python train.py
    outs: [live]
    plots:
      - roc.csv: {x: epoch, y: loss}
plots:
  - live/metrics: {x: epoch}
"""


@pytest.fixture
def dvc_cache(settings: Settings, tmp_path: Path) -> Path:
    """The cache of the workers' host."""
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var" / "dvc-cache"


@pytest.fixture
def dvc_remote(tmp_path: Path) -> Path:
    """The folder of a remote."""
    return tmp_path / "remote"


def config(remote: object) -> str:
    """Return the `.dvc/config` of a project with a default remote."""
    return f"[core]\n    remote = here\n['remote \"here\"']\n    url = {remote}\n"


def lock(outs: Mapping[str, str], **more: object) -> str:
    """Return the `dvc.lock` of a stage that made `outs`, path -> hash."""
    files = [{"path": path, "hash": "md5", "md5": value, **more} for path, value in outs.items()]
    return json.dumps({"schema": "2.0", "stages": {"train": {"cmd": "python train.py", "outs": files}}})


def project(path: Path, remote: object, *outs: Mapping[str, str], yaml: str = DVC_YAML) -> Path:
    """Make a repository with a commit for each of `outs`."""
    files = [{"dvc.yaml": yaml, ".dvc/config": config(remote), "dvc.lock": lock(one)} for one in outs]
    source = make_git(path, files[0])
    for number, one in enumerate(files[1:]):
        commit(source, one, f"change {number}")
    return source


def connected(source: Path) -> Repository:
    """Connect a repository, fetch and index it."""
    repository = repositories.connect("foreign", str(source), user=make_user(Role.ADMINISTRATOR))
    assert run_all() == ["fetch", "index"]
    return repository


def commits(repository: Repository) -> list[HistoryCommit]:
    """Return the commits, the newest first."""
    return list(repository.history.select_related("plots", "snapshot", "inputs").order_by("-pk"))


def plots(repository: Repository) -> dict[str, Drawn]:
    """Return what is drawn of the newest commit, by name."""
    now, *rest = commits(repository)
    return {one.record.name: one for one in selectors.drawn(now, rest[0] if rest else None)}


def unread(repository: Repository) -> int:
    """Return how many files of them are not here."""
    now, *rest = commits(repository)
    return selectors.unread_count(now, rest[0] if rest else None).files


def read(repository: Repository) -> None:
    """Have the plots of the newest commit and its base read."""
    now, *rest = commits(repository)
    plot_requests.request(repository, now, rest[0] if rest else None, user=make_user(Role.ENGINEER))
    assert run_all() == ["read_plots"]


def said(repository: Repository) -> list[str]:
    """Return what is said of the only plot of the newest commit."""
    (drawn,) = plots(repository).values()
    return [note.message for note in drawn.notes]


def one_file(path: Path, remote: object, value: str) -> Path:
    """Make a repository that plots one file which DVC keeps."""
    yaml = "stages: {train: {cmd: python train.py, plots: [roc.csv]}}"
    return project(path, remote, {"roc.csv": value}, yaml=yaml)
