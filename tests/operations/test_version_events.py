"""The OpenLineage events of an evidence bundle: valid, and of the times that were taken."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from experiments.models import Run
from lineage import origin, version_events
from lineage.openlineage_events import run_id
from registry.models import ModelVersion
from tests.jobs import make_job, make_repository
from tests.openlineage_json import faults
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RAW, CLEAN, MODEL = "a" * 32 + ".dir", "c" * 32 + ".dir", "b" * 32


def file(path: str, value: str) -> dict[str, Any]:
    return {"path": path, "md5": value, "size": 40, "nfiles": None}


LOCK = {
    "prepare": {"cmd": "p", "deps": [file("data/raw", RAW)], "outs": [file("data/clean", CLEAN)]},
    "train": {"cmd": "t", "deps": [file("data/clean", CLEAN)], "outs": [file("models", MODEL)]},
}
RESULT = {
    "lock": LOCK,
    "started_at": BEGAN.isoformat(),
    "finished_at": (BEGAN + timedelta(minutes=9)).isoformat(),
    "stages": [
        {"name": "prepare", "state": "cached", "seconds": None, "started_at": ""},
        {
            "name": "train",
            "state": "ran",
            "seconds": 90.0,
            "started_at": (BEGAN + timedelta(minutes=1)).isoformat(),
        },
    ],
}


def of_job(result: dict[str, Any], **changes: Any) -> ModelVersion:
    job = make_job("succeeded", result=result, attempt=2)
    lineage = {"git_commit": "d" * 40, "stagegate.repository": "ocr", "stagegate.job": str(job.pk)}
    return make_version(lineage=lineage, **changes)


def events(version: ModelVersion) -> list[dict[str, Any]]:
    found = [
        json.loads(line) for line in version_events.lines(version_events.of(version, origin.of(version)))
    ]
    assert [fault for one in found for fault in faults(one)] == []
    return found


def told(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (one.get("eventType", "described"), one["job"]["name"], one["eventTime"] if "run" in one else "")
        for one in found
    ]


def minute(number: float) -> str:
    return (BEGAN + timedelta(minutes=number)).isoformat()


def test_a_job_and_the_stages_that_ran_in_it_have_their_own_times() -> None:
    make_repository("ocr", url="git@host.example:team/ocr.git")
    version = of_job(RESULT)
    found = events(version)
    assert told(found) == [
        ("START", "ocr", minute(0)),
        ("START", "ocr.train", minute(1)),
        ("COMPLETE", "ocr.train", minute(2.5)),
        ("COMPLETE", "ocr", minute(9)),
        ("described", "ocr.prepare", ""),  # its result was in the cache: it ran at a time that nobody knows
    ]
    whole, stage = found[3], found[2]
    number = int(version.lineage["stagegate.job"])
    assert whole["run"]["runId"] == run_id("job", number, 2)  # as it was told while it ran
    assert stage["run"]["facets"]["parent"]["run"]["runId"] == whole["run"]["runId"]
    assert [one["name"] for one in whole["inputs"]] == ["data/raw"]
    assert [one["facets"]["version"]["datasetVersion"] for one in stage["outputs"]] == [MODEL]
    location = whole["job"]["facets"]["sourceCodeLocation"]
    assert location["url"] == "ssh://git@host.example/team/ocr.git"
    assert location["repoUrl"] == "git@host.example:team/ocr.git"


@pytest.mark.parametrize(
    "result",
    [
        {"lock": LOCK},
        {**RESULT, "finished_at": None},
        {**RESULT, "finished_at": (BEGAN - timedelta(hours=1)).isoformat()},
    ],
    ids=["from before times", "no end", "a clock that went back"],
)
def test_where_no_times_were_kept_none_are_claimed(result: dict[str, Any]) -> None:
    found = events(of_job(result))
    # PostgreSQL has an order of its own for what a lock holds.
    found.sort(key=lambda one: one["job"]["name"])
    assert told(found) == [("described", "ocr.prepare", ""), ("described", "ocr.train", "")]
    assert found[1]["inputs"][0]["name"] == "data/clean"


def test_a_plain_run_is_one_job_with_what_it_read_and_made() -> None:
    run = make_run(
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(minutes=4),
        tags={"dataset_hash": RAW, "dataset_name": "letters"},
        inputs=[{"name": "letters-mlflow", "digest": "ff00", "source_type": "", "source": "", "context": ""}],
    )
    found = events(make_version(run_id=run.run_id, source="models:/m-1"))
    assert told(found) == [("START", "receipt-ocr", minute(0)), ("COMPLETE", "receipt-ocr", minute(4))]
    assert found[1]["run"]["runId"].replace("-", "") == run.run_id
    read = {one["name"]: one["facets"]["version"]["datasetVersion"] for one in found[1]["inputs"]}
    assert read == {"letters": RAW, "letters-mlflow": "ff00"}
    [made] = found[1]["outputs"]
    assert (made["namespace"], made["name"]) == ("mlflow://receipt-ocr", "models:/m-1")
    assert made["outputFacets"]["outputStatistics"]["fileCount"] == 1


def test_a_run_that_mlflow_has_no_more_is_only_described() -> None:
    version = make_version()
    Run.objects.all().delete()
    assert told(events(version)) == [("described", "receipt-ocr", "")]


def test_a_run_that_ends_before_it_begins_has_no_times() -> None:
    run = make_run(started_at=BEGAN, ended_at=BEGAN - timedelta(seconds=1))
    assert told(events(make_version(run_id=run.run_id))) == [("described", "receipt-ocr", "")]


BROKEN: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda one: one["job"]["facets"]["sourceCodeLocation"].update(url="/srv/ocr.git"), "url: '/srv"),
    (lambda one: one["job"]["facets"]["sourceCodeLocation"].update(url="git@h:ocr.git"), "url: 'git@h"),
    (lambda one: one["run"].update(runId="7"), "runId: '7'"),
    (lambda one: one.update(eventTime="2026-03-01T09:00:00"), "eventTime"),
    (lambda one: one.update(producer="here"), "producer: 'here'"),
    (lambda one: one.pop("run"), "it is a JobEvent"),
    (lambda one: one.pop("eventType"), "it goes with a run"),
    (lambda one: one["job"].pop("name"), "job: name is missing"),
    (lambda one: one["job"]["facets"]["jobType"].pop("integration"), "integration is missing"),
    (lambda one: one["outputs"][0]["outputFacets"]["outputStatistics"].update(size=1.5), "no integer"),
    (lambda one: one["inputs"][0]["facets"]["version"].pop("_producer"), "_producer is missing"),
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_what_no_schema_allows_would_be_seen(number: int) -> None:
    make_repository("ocr", url="/srv/ocr models.git")
    change, fault = BROKEN[number]
    event = events(of_job(RESULT))[3]
    change(event)
    assert any(fault in one for one in faults(event)), faults(event)
