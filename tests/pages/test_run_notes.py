"""Notes, tags and the archive on the page of a run: written by a job, shown at once as being written."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job, Run
from tests.people import make_user
from tests.runs import make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def run() -> Run:
    return make_measured_run({}, tags={"team": "ocr", "mlflow.note.content": "Before"})


def send(client: Client, run: Run, what: str, **data: str) -> int:
    return client.post(f"/runs/{run.run_id}/{what}/", data).status_code


def html_of(client: Client, run: Run) -> str:
    return client.get(f"/runs/{run.run_id}/").content.decode()


def test_what_is_being_written_is_shown_as_it_will_be(client: Client, someone: User, run: Run) -> None:
    assert send(client, run, "note", note="After\r\nthat") == 302
    assert send(client, run, "tags", key="purpose", value="demo") == 302
    assert send(client, run, "tags", delete="team") == 302
    assert send(client, run, "archive", archive="yes") == 302
    page = client.get(f"/runs/{run.run_id}/")
    frame = page.context["frame"]
    assert (frame.note, frame.is_archived, len(frame.edits.waiting)) == ("After\nthat", True, 4)
    rows = {row.key: (row.value, row.state) for row in page.context["detail"].tags}
    assert rows == {"purpose": ("demo", "set"), "team": ("ocr", "gone")}
    html = page.content.decode()
    assert "being written to MLflow" in html
    assert "Before" not in html
    assert "live-poll" in html


def test_of_edits_that_follow_each_other_the_last_one_counts(client: Client, someone: User, run: Run) -> None:
    send(client, run, "tags", delete="team")
    send(client, run, "tags", key="team", value="speech")
    rows = client.get(f"/runs/{run.run_id}/").context["detail"].tags
    assert [(row.key, row.value, row.state) for row in rows] == [("team", "speech", "set")]


def test_once_it_is_written_nothing_is_said_of_it(client: Client, someone: User, run: Run) -> None:
    send(client, run, "note", note="After")
    Job.objects.update(state="succeeded")
    assert client.get(f"/runs/{run.run_id}/").context["frame"].note == "Before"
    assert "being written" not in html_of(client, run)


def test_what_could_not_be_written_is_told(client: Client, someone: User, run: Run) -> None:
    send(client, run, "note", note="After")
    Job.objects.update(state="failed", error="MLflow at x cannot be reached.")
    html = html_of(client, run)
    assert "could not be written" in html
    assert "cannot be reached" in html
    assert "Before" in html


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("tags", {"key": "mlflow.source.name", "value": "x"}),
        ("tags", {"key": "a*b", "value": "x"}),
        ("tags", {"key": "", "value": "x"}),
        ("tags", {"key": "x" * 300, "value": "x"}),
        ("tags", {"key": "big", "value": "x" * 9000}),
        ("note", {"note": "x" * 9000}),
    ],
)
def test_what_mlflow_would_not_take_is_refused_beside_the_field(
    client: Client, someone: User, run: Run, what: str, data: dict[str, str]
) -> None:
    answer = client.post(f"/runs/{run.run_id}/{what}/", data)
    assert answer.status_code == 422
    form = answer.context["note_form" if what == "note" else "tag_form"]
    assert form.errors
    assert not Job.objects.exists()


def test_a_tag_of_the_system_cannot_be_taken_away(client: Client, someone: User, run: Run) -> None:
    assert send(client, run, "tags", delete="mlflow.note.content") == 302
    assert not Job.objects.exists()


def test_who_may_not_edit_sees_why(client: Client, run: Run) -> None:
    client.force_login(make_user(Role.VIEWER))
    html = html_of(client, run)
    assert "edit-note" not in html
    assert 'name="delete"' not in html
    assert send(client, run, "note", note="x") == 403


def test_over_rest_a_run_is_whole_and_can_be_edited(client: Client, someone: User, run: Run) -> None:
    address = f"/api/v1/runs/{run.run_id}/"
    body = client.get(address).json()
    assert {key: body[key] for key in ("note", "archived", "children", "files", "parent")} == {
        "note": "Before",
        "archived": False,
        "children": 0,
        "files": None,
        "parent": None,
    }
    sent = client.patch(address, {"note": "After", "archive": True}, content_type="application/json")
    assert sent.status_code == 202
    assert client.get(address).json()["pending_jobs"] == [sent.json()["id"]]
    assert client.patch(address, {"nope": 1}, content_type="application/json").status_code == 422
