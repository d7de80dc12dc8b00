"""What goes wrong while a version is rebuilt costs time: no second report, no process, no workspace."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.roles import Role
from audit import statements, trail
from audit.events import Event
from audit.models import AuditEntry
from lineage import reproduction
from lineage.models import Reproduction
from tests.engine import Engine, processes_of, wait, wait_for_state
from tests.integrations.git_workshop import git
from tests.people import make_user
from tests.pipeline_project import PARAMS, dvc, make_project
from tests.reproductions import PLAIN_TRAIN, log_of, version_of

# Long enough to be found at work.
SLOW = PARAMS.replace("seconds: 0.0", "seconds: 5.0")


@pytest.fixture
def engine(tmp_path: Path, settings: Settings) -> Iterator[Engine]:
    settings.DATA_DIR = tmp_path / "data"
    settings.CHECKPOINT_DIR = settings.DATA_DIR / "checkpoints"
    settings.CHECKPOINT_KEY = settings.DATA_DIR / "checkpoint_key.pem"
    started = Engine(tmp_path)
    with started.redis(), started.dispatcher():
        yield started


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_rebuilds_leaves_nothing_and_the_next_one_signs_one_report(
    engine: Engine, tmp_path: Path
) -> None:
    files = {"train.py": PLAIN_TRAIN, "params.yaml": SLOW}
    upstream = make_project(tmp_path / "letters", tmp_path / "remote", **files)
    dvc(upstream, "repro", "--quiet")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "Run the pipeline")
    dvc(upstream, "push", "--quiet")
    version = version_of(upstream)
    job = reproduction.request(version, user=make_user(Role.AUDITOR))

    with engine.worker() as group:
        wait(lambda: "training with" in log_of(job), 90)
        assert len(processes_of(job, 1)) >= 2
        os.killpg(group, signal.SIGKILL)
    wait(lambda: not processes_of(job, 1), 10)
    assert not Reproduction.objects.exists()

    with engine.worker():
        done = wait_for_state(job, "succeeded", 120)
    assert (done.attempt, done.lost) == (2, 1)
    [found] = Reproduction.objects.filter(version=version)
    assert (found.verdict, found.passed, found.job) == ("identical", True, job.pk)
    assert statements.is_signed(reproduction.STATEMENT, found.report, found.key, found.signature)
    assert AuditEntry.objects.filter(event=Event.VERSION_REPRODUCED).count() == 1
    assert engine.workspaces() == []
    assert trail.verify() is None
