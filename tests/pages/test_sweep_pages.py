"""The pages and the REST interface of sweeps."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job, Repository, Sweep
from tests.jobs import make_commit, make_job, make_repository
from tests.people import make_user
from tests.sweeps import make_sweep
from tests.versions import make_run

pytestmark = pytest.mark.django_db

PATH = "/repositories/receipt-ocr/sweep/"
API = "/api/v1/sweeps/"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def repository(someone: User) -> Repository:
    repository = make_repository()
    make_commit(repository, branch="main")
    return repository


def form(**changes: str) -> dict[str, str]:
    values = {"ref": "main", "method": "grid", "objective": "val_cer", "direction": "", "width": "2"}
    return {**values, "params.train.epochs": "1..3", "params.train.architecture": "CNN, CRNN", **changes}


def rest(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, json.dumps(body), "application/json")


def test_the_runs_are_counted_before_they_start_and_only_that_many_start(
    client: Client, repository: Repository
) -> None:
    counted = client.post(PATH, form())
    page = counted.content.decode()
    assert counted.status_code == 200
    assert "Start 6 runs" in page
    assert not Sweep.objects.exists()
    changed = client.post(PATH, form(start="1", expected="6", **{"params.train.epochs": "1..4"}))
    assert changed.status_code == 422
    assert "another one than was shown" in changed.content.decode()
    started = client.post(PATH, form(start="1", expected="6"))
    sweep = Sweep.objects.get()
    assert (started.status_code, started["Location"]) == (302, sweep.get_absolute_url())
    assert (sweep.count, sweep.direction, Job.objects.count()) == (6, "min", 2)
    assert Job.objects.earliest("pk").payload["overrides"] == {"train.architecture": "CNN", "train.epochs": 1}


def test_a_form_that_is_sent_twice_starts_one_sweep(client: Client, repository: Repository) -> None:
    sent = form(start="1", expected="6", token="0" * 32)
    first, second = client.post(PATH, sent), client.post(PATH, sent)
    assert first["Location"] == second["Location"]
    assert Sweep.objects.count() == 1


def test_what_is_wrong_stands_at_its_field_and_nothing_starts(client: Client, repository: Repository) -> None:
    wrong = {"params.train.architecture": "CNN; id", "params.train.epochs": "9..1", "params.a=b:c": "1, 2"}
    response = client.post(PATH, form(start="1", expected="6", **wrong))
    page = response.content.decode()
    assert response.status_code == 422
    assert "has a range that does not begin below its end" in page
    assert page.count("is-invalid") == 2
    assert '<code title="a=b:c">' in page
    assert not Job.objects.exists()


def test_the_parameters_of_a_run_are_where_a_sweep_begins(client: Client, repository: Repository) -> None:
    run = make_run(params={"train.epochs": "5", "other": "1"})
    page = client.get(PATH, {"from_run": run.run_id})
    assert [(one.parameter.key, one.value) for one in page.context["changed"]] == [("train.epochs", "5")]
    assert "could not be taken over" in page.content.decode()
    assert client.get(PATH, {"from_run": "nothing"}).status_code == 404


def test_metrics_of_the_last_result_are_offered(client: Client, repository: Repository) -> None:
    make_job("succeeded", repository=repository, result={"metrics": {"size": 1, "val_cer": 0.1}})
    page = client.get(PATH)
    assert page.context["metrics"] == ["val_cer", "size"]
    assert page.context["form"]["objective"].value() == "val_cer"


def test_the_page_shows_trials_progress_and_the_best(client: Client, someone: User) -> None:
    sweep = make_sweep((0.3, 0.1, None, 0.2), user=someone)
    page = client.get(sweep.get_absolute_url())
    detail = page.context["detail"]
    assert (detail.ended, detail.failed, detail.measured) == (4, 1, 3)
    assert (detail.best.trial.number, detail.columns) == (2, ["train.epochs"])
    assert detail.fixed == [("train.learning_rate", "0.1")]
    text = re.sub(r"\s+", " ", page.content.decode())
    assert "4 of 6" in text
    assert text.count("not started") == 2
    by_value = client.get(f"{sweep.get_absolute_url()}?sort=value").context["trials"]
    assert [row.trial.number for row in by_value][:3] == [2, 4, 1]
    figure = client.get(f"{sweep.get_absolute_url()}chart/").json()
    assert figure["data"][1]["y"] == [0.3, 0.1, 0.1]


def test_runs_that_were_logged_are_linked_and_compared(client: Client, someone: User) -> None:
    sweep = make_sweep((0.3, 0.1), user=someone)
    for number, name in ((1, "a"), (2, "b")):
        parent = sweep.trials.get(number=number).job
        make_job("succeeded", kind="log_run", parent=parent, payload={}, result={"run_id": name * 32})
        make_run(run_id=name * 32)
    page = client.get(sweep.get_absolute_url())
    assert [row.run.run_id[0] for row in page.context["trials"][:2]] == ["a", "b"]
    assert page.context["compare_url"].endswith(f"runs={'b' * 32}%2C{'a' * 32}")


def test_the_page_has_a_fixed_number_of_queries(client: Client, someone: User) -> None:
    few, many = make_sweep((0.1,), user=someone), None

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    many = make_sweep(tuple(number / 10 for number in range(1, 40)), user=someone, repository=few.repository)
    assert queries(few.get_absolute_url()) == queries(many.get_absolute_url())
    before = queries("/sweeps/")
    make_sweep((0.1, 0.2), user=someone, repository=few.repository)
    assert queries("/sweeps/") == before


def test_jobs_are_filtered_by_sweep_repository_and_person(client: Client, someone: User) -> None:
    sweep = make_sweep((0.1, 0.2), user=someone)
    other = make_job(user=make_user(Role.ENGINEER, username="another"))

    def listed(query: str) -> set[int]:
        page = client.get(f"/jobs/?{query}")
        assert page.status_code == 200
        return {one.job.pk for one in page.context["page"].object_list}

    mine = set(Job.objects.filter(trial__sweep=sweep).values_list("pk", flat=True))
    assert listed(f"sweep={sweep.pk}") == mine
    assert listed("repository=receipt-ocr") == mine
    assert listed("person=another") == {other.pk}
    assert listed("sweep=x&repository=gone") == mine | {other.pk}


def test_what_people_typed_is_text(client: Client, someone: User) -> None:
    sweep = make_sweep((0.1,), user=someone, name=SCRIPT, objective=SCRIPT, problem=SCRIPT)
    for path in (sweep.get_absolute_url(), "/sweeps/", f"/jobs/?sweep={sweep.pk}&person={SCRIPT}"):
        assert SCRIPT not in client.get(path).content.decode()


def test_a_viewer_sees_a_sweep_and_starts_none(client: Client, repository: Repository) -> None:
    sweep = make_sweep((0.1,), repository=repository)
    client.force_login(make_user(Role.VIEWER))
    page = client.get(sweep.get_absolute_url())
    assert "Only these roles may" in page.content.decode()
    assert client.get(PATH).status_code == 403


def test_rest_previews_starts_shows_stops_and_resumes(client: Client, repository: Repository) -> None:
    body = {
        "repository": "receipt-ocr",
        "space": {"train.epochs": {"low": 1, "high": 3}, "train.architecture": {"values": ["CNN", "CRNN"]}},
        "method": "random",
        "objective": "val_cer",
        "count": 4,
        "seed": 1,
    }
    plan = rest(client, f"{API}preview/", **body).json()
    assert (plan["count"], plan["total"], plan["direction"]) == (4, 6, "min")
    made = rest(client, API, **body, key="ci-1")
    found = made.json()
    assert made.status_code == 202
    assert [trial["params"] for trial in found["trials"]] == plan["points"]
    assert rest(client, API, **body, key="ci-1").json()["id"] == found["id"]
    assert client.get(API, {"repository": "receipt-ocr"}).json()["results"][0]["id"] == found["id"]
    path = f"{API}{found['id']}/"
    assert rest(client, f"{path}resume/").status_code == 409
    assert rest(client, f"{path}stop/", cancel=True).json()["state"] == "stopped"
    assert set(Job.objects.filter(trial__sweep=found["id"]).values_list("state", flat=True)) == {"cancelled"}
    assert rest(client, f"{path}resume/").json()["state"] == "running"


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": "gone"},
        {"space": {"train.epochs": [1, 2]}},
        {"space": {"${x}": {"values": [1, 2]}}},
        {"space": {"train.architecture": {"values": ["a b", "`id`"]}}},
        {"unknown": 1},
        {"method": "magic"},
        {"count": 10**9},
        {"space": "all"},
    ],
)
def test_rest_refuses_what_is_wrong(client: Client, repository: Repository, changes: dict[str, Any]) -> None:
    body = {
        "repository": "receipt-ocr",
        "space": {"train.epochs": {"values": [1, 2]}},
        "method": "grid",
        "objective": "val_cer",
    }
    response = rest(client, API, **{**body, **changes})
    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"
    assert not Sweep.objects.exists()
