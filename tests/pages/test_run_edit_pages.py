"""Choosing runs in the table, and editing those that were chosen."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments import run_edits
from experiments.models import Job
from experiments.selectors import chosen_runs
from tests.people import make_user
from tests.runs import NASTY, make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


def html(client: Client, address: str, **query: Any) -> str:
    return client.get(address, query).content.decode()


def test_runs_that_an_address_names_stay_chosen_from_page_to_page(client: Client, someone: User) -> None:
    here, elsewhere = (
        make_measured_run({}, name="here"),
        make_measured_run({}, name="elsewhere", status="FAILED"),
    )
    gone = make_measured_run({}, name="gone", lifecycle_stage="deleted")
    page = html(client, "/runs/", status="FINISHED", runs=[here.run_id, elsewhere.run_id, gone.run_id, "x"])
    assert "2 runs chosen" in page
    assert page.count(f'value="{elsewhere.run_id}"') == 4  # tray, filter, groups and columns
    assert " checked></td>" in page.split(f'id="run-row-{here.pk}"')[1].split("</tr>")[0]
    assert f"runs={here.run_id}&amp;runs={elsewhere.run_id}" in page  # in links


def test_chosen_runs_are_edited_by_one_form_that_leads_back(client: Client, someone: User) -> None:
    runs = [make_measured_run({}, name=name) for name in ("one", "two")]
    ids = [run.run_id for run in runs]
    page = html(client, "/runs/edit/", runs=",".join(ids))
    assert "Edit 2 runs" in page
    sent = {
        "runs": ids,
        "key": "team",
        "value": " ocr",
        "drop": "old",
        "archive": "yes",
        "back": "/runs/?q=x",
    }
    answer = client.post("/runs/edit/", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/runs/?q=x")
    assert Job.objects.get().payload == {
        "run_ids": sorted(ids),
        "set_tags": {"team": " ocr", "stagegate.archived": "true"},
        "delete_tags": ["old"],
    }


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"key": "", "value": ""}, "nothing to change"),
        ({"key": "mlflow.user", "value": "x"}, "belongs to the system"),
        ({"key": "a//b"}, "does not accept"),
        ({"archive": "bogus"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_changed_is_said_beside_the_form(
    client: Client, someone: User, sent: dict[str, str], says: str
) -> None:
    answer = client.post("/runs/edit/", {"runs": [make_measured_run({}).run_id], **sent})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere(client: Client, someone: User, back: str) -> None:
    sent = {"runs": [make_measured_run({}).run_id], "archive": "no", "back": back}
    assert client.post("/runs/edit/", sent)["Location"] == "/runs/"


def test_without_a_run_or_the_right_the_page_says_so(client: Client, someone: User) -> None:
    assert "No run is chosen" in html(client, "/runs/edit/", runs="nonesuch")
    client.force_login(make_user(Role.VIEWER))
    assert "Only these roles may edit runs" in html(client, "/runs/edit/")
    assert 'id="edit-runs"' not in html(client, "/runs/")


def test_archived_runs_are_a_choice_of_the_filter(client: Client, someone: User) -> None:
    make_measured_run({}, name="kept")
    make_measured_run({}, name="put away", tags={"stagegate.archived": "true"})
    for query, names in (({}, ["kept"]), ({"status": "archived"}, ["put away"])):
        rows = client.get("/runs/", query).context["page"].rows
        assert [row.run.name for row in rows] == names


def test_names_in_the_tray_are_text(client: Client, someone: User) -> None:
    run = make_measured_run({}, name=NASTY)
    assert NASTY not in html(client, "/runs/", runs=run.run_id) + html(client, "/runs/edit/", runs=run.run_id)


def test_all_that_pass_a_filter_can_be_edited_and_nothing_else(
    client: Client, someone: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {make_measured_run({"a": number}, name=f"run {number}").run_id for number in range(3)}
    other = make_measured_run({"a": 9}, name="other").run_id
    assert "Tag or archive all" not in html(client, "/runs/")
    page = html(client, "/runs/", q="metrics.a < 5", columns="metrics.a")
    address = page.split('">Tag or archive all')[0].rpartition('href="')[2].replace("&amp;", "&")
    page = client.get(address).content.decode()
    assert "Edit 3 runs" in page
    assert all(f'name="runs" value="{run_id}"' in page for run_id in ids)
    assert other not in page
    assert 'name="back" value="/runs/?q=metrics.a+%3C+5&amp;columns=metrics.a"' in page
    monkeypatch.setattr(chosen_runs, "MAX_RUNS", 2)
    monkeypatch.setattr(run_edits, "MAX_RUNS", 2)
    assert "Tag or archive all" not in html(client, "/runs/", q="metrics.a < 5")
    page = client.get(address).content.decode()
    assert "At most 2 runs can be edited at once." in page
    assert 'name="runs"' not in page
    assert "No run is chosen" in html(client, "/runs/edit/", all="1", q="metrics.a <")
    client.force_login(make_user(Role.VIEWER))
    assert "Tag or archive all" not in html(client, "/runs/", q="metrics.a < 5")
