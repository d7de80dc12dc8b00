"""OpenLineage events of pipelines, received by a real HTTP server on this host."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role
from experiments import execution, job_reaper, jobs, launches
from experiments.models import Job, Repository
from experiments.pipeline_watch import News, tell
from lineage.openlineage_events import run_id
from lineage.openlineage_sender import FAILURES, Sender, sender
from tests.jobs import make_commit, make_job, make_repository
from tests.openlineage_json import faults
from tests.people import make_user
from tests.pipeline_project import connect, make_project

STAGES = ("prepare", "train", "evaluate")


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets in the order of arrival; answers with `status`, after `delay` seconds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, dict[str, Any], str]] = []
        self.at: list[float] = []
        self.status = 201
        self.delay = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def told(self) -> list[tuple[str, str]]:
        """State and job of each event."""
        return [(body["eventType"], body["job"]["name"]) for _path, body, _key in self.got]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The events, each one as the published schemas ask."""
        found = [body for _path, body, _key in self.got]
        assert [fault for body in found for fault in faults(body)] == []
        return found


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.at.append(time.monotonic())
        self.server.got.append((self.path, body, self.headers.get("Authorization", "")))
        time.sleep(self.server.delay)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def news(**changes: Any) -> News:
    stages = {
        "train": {
            "cmd": "python train.py",
            "deps": [{"path": "data/raw", "md5": "a" * 32, "size": 4, "nfiles": None}],
            "outs": [{"path": "models", "md5": "b" * 32, "size": 9, "nfiles": None}],
        }
    }
    columns = {"what": "started", "job": 7, "attempt": 1, "repository": "letters", "url": "", "sha": "c" * 40}
    return News(**{**columns, "at": datetime.now(UTC), "stages": stages, **changes})


@pytest.fixture
def repository(receiver: Receiver, settings: Settings, tmp_path: Path) -> Repository:
    """A repository whose pipelines are told to the receiver."""
    settings.DATA_DIR = tmp_path / "data"
    settings.OPENLINEAGE_URL = receiver.url
    settings.OPENLINEAGE_API_KEY = "key"
    return connect(make_project(tmp_path / "letters", tmp_path / "remote"))


def launched(repository: Repository, **overrides: Any) -> Job:
    changes = {f"train.{name}": value for name, value in overrides.items()}
    return launches.launch(repository, ref="main", overrides=changes, user=make_user(Role.ENGINEER))


def run_apart(job: Job) -> None:
    execution.run(job.pk)
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_pipeline_is_told_from_start_to_end_while_it_runs(
    receiver: Receiver, repository: Repository
) -> None:
    job = launched(repository, seconds=2.0)
    assert execution.run(job.pk)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    # Nothing is waited for: when a job has ended, its events are there.
    assert receiver.told == [
        ("START", "letters"),
        *((state, f"letters.{stage}") for stage in STAGES for state in ("START", "COMPLETE")),
        ("COMPLETE", "letters"),
    ]
    assert {(path, key) for path, _body, key in receiver.got} == {("/api/v1/lineage", "Bearer key")}
    began, ended = (receiver.told.index((state, "letters.train")) for state in ("START", "COMPLETE"))
    assert receiver.at[ended] - receiver.at[began] > 1.9
    bodies = receiver.bodies
    assert bodies[1]["run"]["facets"]["parent"]["run"]["runId"] == bodies[0]["run"]["runId"]
    raw = next(one for one in bodies[-1]["inputs"] if one["name"] == "data/raw")
    assert raw["namespace"] == "dvc://letters"
    assert raw["facets"]["version"]["datasetVersion"].endswith(".dir")
    assert {one["name"] for one in bodies[-1]["outputs"]} >= {"data/clean", "models"}
    assert bodies[0]["job"]["facets"]["sourceCodeLocation"]["url"].startswith("file:///")


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_fails_has_begun_before_it_failed(receiver: Receiver, repository: Repository) -> None:
    execution.run(launched(repository, behaviour="fail").pk)
    assert receiver.told[-3:] == [
        ("START", "letters.train"),
        ("FAIL", "letters.train"),
        ("FAIL", "letters"),
    ]
    start, end, whole = receiver.bodies[-3:]
    assert start["run"]["runId"] == end["run"]["runId"]
    assert datetime.fromisoformat(start["eventTime"]) < datetime.fromisoformat(end["eventTime"])
    assert "the loss is not a number" in whole["run"]["facets"]["errorMessage"]["message"]


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_is_cancelled_ends_with_its_pipeline(receiver: Receiver, repository: Repository) -> None:
    job = launched(repository, seconds=600.0)
    thread = threading.Thread(target=run_apart, args=(job,))
    thread.start()
    deadline = time.monotonic() + 60
    while ("START", "letters.train") not in receiver.told:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    jobs.cancel(Job.objects.get(pk=job.pk), user=make_user(Role.ADMINISTRATOR))
    thread.join(60)
    assert receiver.told[-3:] == [
        ("START", "letters.train"),
        ("ABORT", "letters.train"),
        ("ABORT", "letters"),
    ]
    assert receiver.bodies[-2]["run"]["runId"] == receiver.bodies[-3]["run"]["runId"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stage", ["train", "train@cnn", ""])
def test_a_worker_that_is_gone_has_its_pipeline_ended_once(
    receiver: Receiver, settings: Settings, tmp_path: Path, stage: str
) -> None:
    settings.OPENLINEAGE_URL, settings.DATA_DIR = receiver.url, tmp_path
    commit = make_commit(make_repository("letters"))
    job = make_job(
        "running",
        repository=commit.repository,
        payload={"repository": "letters", "sha": commit.sha},
        steps=[{"name": "train", "state": "running" if stage else "done", "seconds": None}],
        message=f"Running {stage or 'train'}",
        lease_until=timezone.now() - timedelta(seconds=1),
    )
    assert job_reaper.reap() == 1
    assert job_reaper.reap() == 0
    assert sender(receiver.url, "").flush(20)
    stages = [("ABORT", f"letters.{stage}")] if stage else []
    assert receiver.told == [*stages, ("ABORT", "letters")]
    parts = ("job", job.pk, 1)
    ids = [run_id(*parts, stage), run_id(*parts)] if stage else [run_id(*parts)]
    assert [body["run"]["runId"] for body in receiver.bodies] == ids


def test_who_ends_waits_for_what_is_left_but_not_for_ever(receiver: Receiver) -> None:
    receiver.delay = 0.1
    busy = Sender(receiver.url)
    for _ in range(10):
        busy.put({"eventType": "START"})
    assert busy.flush(60)
    assert len(receiver.got) == 10
    receiver.delay = 30.0
    busy.put({"eventType": "START"})
    began = time.monotonic()
    assert not busy.flush(0.5)
    assert not busy.flush(60)
    assert time.monotonic() - began < 20


def test_a_receiver_that_is_away_or_slow_costs_nothing_and_is_left_alone(
    receiver: Receiver, settings: Settings
) -> None:
    receiver.status = 500
    away = Sender(receiver.url, pause=0.0)
    for _ in range(FAILURES + 5):
        away.put({"eventType": "START"})
    away.waiting.join()
    assert away.dropped == FAILURES + 5
    assert len(receiver.got) == FAILURES * 2
    receiver.delay = 30.0
    settings.OPENLINEAGE_URL = receiver.url
    began = time.monotonic()
    tell(news())
    assert time.monotonic() - began < 20  # the first call imports the library
    began = time.monotonic()
    for _ in range(100):
        tell(news(what="stopped"))
    assert time.monotonic() - began < 20


def test_a_listener_that_raises_does_not_reach_the_job(settings: Settings) -> None:
    settings.OPENLINEAGE_URL = "http://127.0.0.1:1"
    tell(news(stages={"broken": None}))
