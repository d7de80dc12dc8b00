"""OpenLineage events of pipelines, received by a real HTTP server on this host."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.roles import Role
from experiments import execution, launches
from experiments.models import Job
from experiments.pipeline_watch import News, tell
from lineage.openlineage_emission import events
from lineage.openlineage_sender import FAILURES, Sender
from tests.people import make_user
from tests.pipeline_project import connect, make_project

STAGES = ("prepare", "train", "evaluate")


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets; answers with `status`, after `delay` seconds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, dict[str, Any], str]] = []
        self.status = 201
        self.delay = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
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


@pytest.mark.django_db(transaction=True)
def test_a_pipeline_is_told_from_start_to_end(receiver: Receiver, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.OPENLINEAGE_URL = receiver.url
    settings.OPENLINEAGE_API_KEY = "key"
    repository = connect(make_project(tmp_path / "letters", tmp_path / "remote"))
    job = launches.launch(repository, ref="main", overrides={}, user=make_user(Role.ENGINEER))
    assert execution.run(job.pk)
    assert Job.objects.get(pk=job.pk).state == "succeeded"
    deadline = time.monotonic() + 60
    while len(receiver.got) < 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    told = [(body["eventType"], body["job"]["name"]) for _path, body, _key in receiver.got]
    assert told == [
        ("START", "letters"),
        *((state, f"letters.{stage}") for stage in STAGES for state in ("START", "COMPLETE")),
        ("COMPLETE", "letters"),
    ]
    assert {(path, key) for path, _body, key in receiver.got} == {("/api/v1/lineage", "Bearer key")}
    bodies = [body for _path, body, _key in receiver.got]
    assert bodies[1]["run"]["facets"]["parent"]["run"]["runId"] == bodies[0]["run"]["runId"]
    raw = next(one for one in bodies[-1]["inputs"] if one["name"] == "data/raw")
    assert raw["namespace"] == "dvc://letters"
    assert raw["facets"]["version"]["datasetVersion"].endswith(".dir")
    assert {one["name"] for one in bodies[-1]["outputs"]} >= {"data/clean", "models"}


def test_a_failure_names_stage_and_reason_and_a_stop_is_an_abort() -> None:
    found = list(events(news(what="failed", stage="train", problem="no luck")))
    assert [(one["eventType"], one["job"]["name"]) for one in found] == [
        ("START", "letters.train"),
        ("FAIL", "letters.train"),
        ("FAIL", "letters"),
    ]
    assert found[-1]["run"]["facets"]["errorMessage"]["message"] == "no luck"
    assert [one["eventType"] for one in events(news(what="stopped"))] == ["ABORT"]


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
