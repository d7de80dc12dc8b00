"""The REST interface of experiments, runs, repositories and jobs."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.tokens import create
from experiments.models import Job
from tests.jobs import make_commit, make_job, make_repository, write_log
from tests.people import make_user
from tests.runs import make_experiment, make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


def get(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", data=json.dumps(body or {}), content_type="application/json")


def launch(client: Client, **changes: Any) -> Any:
    return post(client, "jobs/", {"kind": "pipeline", "repository": "receipt-ocr", **changes})


def test_experiments_are_listed_with_what_they_hold(client: Client, someone: User) -> None:
    make_measured_run({"val_cer": 0.01})
    make_experiment()
    found = get(client, "experiments/")
    assert found["count"] == 2
    first = found["results"][0]
    assert (first["name"], first["runs"], first["running"]) == ("receipt-ocr", 1, 0)
    assert first["best"] == {"key": "val_cer", "value": 0.01}
    assert found["results"][1]["best"] is None
    assert get(client, "experiments/", q="digi")["count"] == 1


def test_runs_are_filtered_sorted_and_cut_to_columns(client: Client, someone: User) -> None:
    make_measured_run({"loss": 2.0, "other": 1}, name="b", params={"rate": "1", "seed": "7"})
    make_measured_run({"loss": 1.0, "bad": "NaN"}, name="a", status="FAILED")
    everything = get(client, "runs/", sort="metrics.loss")["results"]
    assert [run["name"] for run in everything] == ["a", "b"]
    assert everything[0]["metrics"] == {"loss": 1.0, "bad": "NaN"}
    few = get(client, "runs/", status="FINISHED", columns=["metrics.loss", "params.rate"])["results"]
    assert [(run["metrics"], run["params"]) for run in few] == [({"loss": 2.0}, {"rate": "1"})]
    assert get(client, "runs/", q="b", experiment="1")["count"] == 1
    assert get(client, "runs/", experiment="99")["count"] == 0


def test_runs_are_listed_with_their_tags_and_archived_ones_where_asked(client: Client, someone: User) -> None:
    make_measured_run({}, name="kept", tags={"team": "ocr", "odd": "1"})
    make_measured_run({}, name="gone", tags={"stagegate.archived": "true"})
    [kept] = get(client, "runs/", columns="tags.team")["results"]
    assert (kept["name"], kept["tags"]) == ("kept", {"team": "ocr"})
    assert [run["name"] for run in get(client, "runs/", archived="only")["results"]] == ["gone"]
    assert get(client, "runs/", archived="all")["count"] == 2
    assert client.get("/api/v1/runs/", {"archived": "bogus"}).status_code == 422


def test_one_run_comes_with_its_tags_and_its_job(client: Client, someone: User) -> None:
    job = make_job("succeeded")
    run = make_measured_run({"loss": 2.0}, tags={"stagegate.job": str(job.pk), "team": "ocr"})
    found = get(client, f"runs/{run.run_id}/")
    assert (found["job"], found["tags"]["team"]) == (job.pk, "ocr")
    assert found["mlflow_url"].endswith(f"/#/experiments/1/runs/{run.run_id}")


def test_repositories_are_listed(client: Client, someone: User) -> None:
    make_repository()
    (found,) = get(client, "repositories/")["results"]
    assert (found["name"], found["default_ref"]) == ("receipt-ocr", "main")


def test_a_pipeline_is_run_with_typed_parameters(client: Client, someone: User) -> None:
    commit = make_commit(make_repository(), branch="main")
    answer = launch(client, ref="main", params={"train.epochs": 2, "train.learning_rate": 1e-3}, note="short")
    assert answer.status_code == 202
    body = answer.json()
    job = Job.objects.get()
    assert answer["Location"] == f"/api/v1/jobs/{job.pk}/"
    assert (body["id"], body["state"], body["title"]) == (job.pk, "queued", "receipt-ocr @ main")
    assert (body["sha"], body["note"]) == (commit.sha, "short")
    assert body["params"] == {"train.epochs": 2, "train.learning_rate": 0.001}
    assert (job.submitted_by, job.payload["overrides"]) == (someone, body["params"])


def test_a_token_runs_a_pipeline_without_a_session(client: Client) -> None:
    user = make_user(Role.ENGINEER)
    make_commit(make_repository(), branch="main")
    _token, plain = create(user, "ci")
    body = json.dumps({"kind": "pipeline", "repository": "receipt-ocr"})
    strict = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Token {plain}"}
    answer = strict.post("/api/v1/jobs/", data=body, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    assert Job.objects.get().submitted_by == user


def test_the_same_key_is_the_same_job_for_one_person_only(client: Client, someone: User) -> None:
    make_commit(make_repository(), branch="main")
    first = launch(client, key="nightly-1").json()["id"]
    assert launch(client, key="nightly-1").json()["id"] == first
    client.force_login(make_user(Role.ENGINEER))
    assert launch(client, key="nightly-1").json()["id"] != first


def test_the_result_can_be_asked_to_become_a_version(client: Client, someone: User) -> None:
    make_commit(make_repository(), branch="main")
    assert launch(client, register_as={"model": "receipt-ocr"}).status_code == 202
    assert Job.objects.get().payload["register_as"] == {"model": "receipt-ocr"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"kind": "bogus"}, "kind"),
        ({"kind": "sync"}, "kind"),
        ({"repository": "bogus"}, "repository"),
        ({"repository": None}, "repository"),
        ({"ref": "bogus"}, "ref"),
        ({"ref": "a\x00b"}, "ref"),
        ({"paramz": {}}, "paramz"),
        ({"params": [1]}, "params"),
        ({"params": {"train.bogus": 1}}, "params.train.bogus"),
        ({"params": {"train.epochs": "many"}}, "params.train.epochs"),
        ({"params": {"train.epochs": 1.5}}, "params.train.epochs"),
        ({"params": {"train.epochs": {"a": 1}}}, "params.train.epochs"),
        ({"params": {"train.architecture": "a; rm -rf /"}}, "params.train.architecture"),
        ({"params": {"other.yaml:a": 1}}, "params.other.yaml:a"),
        ({"params": {"${x}": 1}}, "params.${x}"),
        ({"note": "x" * 301}, "note"),
        ({"register_as": {}}, "register_as"),
        ({"register_as": {"model": "m", "stage": "x"}}, "register_as"),
        ({"key": ""}, "key"),
    ],
)
def test_what_cannot_be_run_is_refused_by_field_and_nothing_runs(
    client: Client, someone: User, body: dict[str, Any], wrong: str
) -> None:
    make_commit(make_repository(), branch="main")
    answer = launch(client, **body)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == {wrong}
    assert not Job.objects.exists()


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "{", '{"kind": NaN}', ""])
def test_a_body_that_is_no_object_is_a_problem_and_no_crash(client: Client, someone: User, body: str) -> None:
    answer = client.post("/api/v1/jobs/", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"


def test_jobs_are_filtered(client: Client, someone: User) -> None:
    mine = make_job("failed", user=someone)
    other = make_job("running", kind="sync")
    assert [job["id"] for job in get(client, "jobs/")["results"]] == [other.pk, mine.pk]
    assert [job["id"] for job in get(client, "jobs/", state="active")["results"]] == [other.pk]
    assert [job["id"] for job in get(client, "jobs/", kind="sync")["results"]] == [other.pk]
    assert [job["id"] for job in get(client, "jobs/", mine="true")["results"]] == [mine.pk]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("jobs/?state=bogus", "state"),
        ("jobs/?kind=bogus", "kind"),
        ("jobs/?mine=maybe", "mine"),
        ("runs/?status=bogus", "status"),
        ("runs/?sort=bogus", "sort"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_name(
    client: Client, someone: User, path: str, wrong: str
) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {wrong}


def test_one_job_comes_with_result_steps_and_follow_ups(client: Client, someone: User) -> None:
    run = make_measured_run({})
    job = make_job("succeeded", result={"sha": "a" * 40})
    follow = make_job("succeeded", kind="log_run", parent=job, result={"run_id": run.run_id})
    found = get(client, f"jobs/{job.pk}/")
    assert (found["result"], found["run_id"]) == ({"sha": "a" * 40}, run.run_id)
    assert found["follow_ups"] == [follow.pk]
    assert [step["name"] for step in found["steps"]] == ["preprocess", "train", "evaluate"]
    assert get(client, f"jobs/{follow.pk}/")["parent_job"] == job.pk


def test_a_job_is_cancelled_and_retried(client: Client, someone: User) -> None:
    job = make_job("queued", user=someone)
    assert post(client, f"jobs/{job.pk}/cancel/").json()["state"] == "cancelled"
    again = post(client, f"jobs/{job.pk}/cancel/")
    assert (again.status_code, again["Content-Type"]) == (409, "application/problem+json")
    assert "has finished already" in again.json()["detail"]
    assert post(client, f"jobs/{job.pk}/retry/").json()["state"] == "queued"
    assert post(client, f"jobs/{job.pk}/retry/").status_code == 409


def test_a_log_is_followed_by_line_number_to_its_end(client: Client, someone: User) -> None:
    job = make_job("running", user=someone)
    write_log(job, [f"line {number}" for number in range(1, 1501)])
    seen: list[str] = []
    last = 0
    while True:
        found = get(client, f"jobs/{job.pk}/log/", after=last)
        assert found["first"] == last + 1
        seen, last = seen + found["lines"], found["last"]
        assert found["ended"] is False
        if not found["more"]:
            break
    assert seen == [f"line {number}" for number in range(1, 1501)]
    Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=timezone.now())
    assert get(client, f"jobs/{job.pk}/log/", after=0)["ended"] is False
    assert get(client, f"jobs/{job.pk}/log/", after=last) == {
        "first": 1501,
        "last": 1500,
        "lines": [],
        "more": False,
        "ended": True,
    }


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30, "\u0663"])
def test_a_line_number_that_is_none_is_refused(client: Client, someone: User, after: str) -> None:
    job = make_job()
    assert client.get(f"/api/v1/jobs/{job.pk}/log/", {"after": after}).status_code == 422


@pytest.mark.parametrize(
    "path", ["jobs/999999/", "jobs/999999/log/", "jobs/99999999999999999999999/", "runs/x/"]
)
def test_what_does_not_exist_is_a_problem_document(client: Client, someone: User, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_who_may_look_may_not_run_cancel_or_retry(client: Client) -> None:
    client.force_login(make_user(Role.VIEWER))
    make_commit(make_repository(), branch="main")
    job = make_job("failed")
    assert get(client, "jobs/")["count"] == 1
    answers = [launch(client), post(client, f"jobs/{job.pk}/retry/"), post(client, f"jobs/{job.pk}/cancel/")]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "engineer, administrator" in answers[0].json()["detail"]


@pytest.mark.parametrize("path", ["experiments/", "runs/", "repositories/", "jobs/"])
def test_without_a_role_nothing_is_shown_and_strangers_are_turned_away(client: Client, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code in (401, 403)
    client.force_login(make_user())
    assert client.get(f"/api/v1/{path}").status_code == 403


def test_the_number_of_queries_does_not_grow_with_what_is_listed(client: Client, someone: User) -> None:
    def queries() -> list[int]:
        counts = []
        for path in ("experiments/", "runs/?sort=metrics.loss", "repositories/", "jobs/"):
            with CaptureQueriesContext(connection) as captured:
                get(client, path)
            counts.append(len(captured))
        return counts

    make_measured_run({"loss": 1})
    make_job(repository=make_repository("first"))
    few = queries()
    for number in range(5):
        make_measured_run({"loss": number}, experiment=make_experiment(f"e{number}", f"e{number}"))
        make_job(repository=make_repository(f"r{number}"))
    assert queries() == few


def test_the_schema_describes_every_address_without_a_warning() -> None:
    schema = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=schema)
    paths = json.loads(schema.getvalue())["paths"]
    assert set(paths["/api/v1/jobs/"]) == {"get", "post"}
    for path in ("experiments/", "runs/", "runs/{run_id}/", "repositories/", "jobs/{id}/log/"):
        assert "get" in paths[f"/api/v1/{path}"]
    for path in ("jobs/{id}/cancel/", "jobs/{id}/retry/"):
        assert "post" in paths[f"/api/v1/{path}"]


def test_edits_of_runs_become_a_job(client: Client, someone: User) -> None:
    run = make_measured_run({})
    body = {"run_ids": [run.run_id], "set_tags": {"team": "ocr"}, "note": "good", "archive": True}
    answer = post(client, "runs/edits/", body)
    assert answer.status_code == 202, answer.content
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}/"
    assert Job.objects.get().payload == {
        "run_ids": [run.run_id],
        "set_tags": {"team": "ocr", "mlflow.note.content": "good", "stagegate.archived": "true"},
        "delete_tags": [],
    }
    for wrong in ({"colour": "red"}, {"set_tags": {"mlflow.user": "x"}}, {"run_ids": ["nonesuch"]}):
        refused = post(client, "runs/edits/", {"run_ids": [run.run_id], **wrong})
        assert refused.status_code in (400, 422), refused.content
    assert Job.objects.count() == 1
