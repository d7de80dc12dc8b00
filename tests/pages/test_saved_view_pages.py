"""Saved views of the table of runs, on its page and over REST."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments.models import SavedView
from tests.people import make_user
from tests.runs import NASTY, make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER, username="someone")
    client.force_login(user)
    return user


def save(client: Client, name: str = "Best", query: str = "q=one&sort=name") -> Any:
    return client.post("/runs/views/", {"name": name, "query": query, "shared": "on"})


def test_a_view_is_saved_opened_changed_and_deleted(client: Client, someone: User) -> None:
    make_measured_run({}, name="one")
    make_measured_run({}, name="two")
    opened = save(client)["Location"]
    view = SavedView.objects.get()
    assert parse_qs(urlsplit(opened).query) == {"q": ["one"], "sort": ["name"], "view": [str(view.pk)]}
    page = client.get(opened)
    assert [row.run.name for row in page.context["page"].rows] == ["one"]
    assert not page.context["opened_view"].changed
    changed = client.get(f"{opened}&status=FINISHED")
    assert changed.context["opened_view"].changed
    assert "Update this view" in changed.content.decode()
    client.post(f"/runs/views/{view.pk}/", {"name": "Finished", "query": "status=FINISHED"})
    view.refresh_from_db()
    assert (view.name, view.query, view.shared) == ("Finished", "status=FINISHED", False)
    client.post(f"/runs/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_a_refused_name_is_asked_for_again(client: Client, someone: User) -> None:
    save(client)
    again = save(client)
    assert again.status_code == 422
    assert "There is a view of this name already." in again.content.decode()
    assert 'value="q=one&amp;sort=name"' in again.content.decode()


def test_a_view_that_is_out_of_date_or_hostile_shows_the_usual_faults(client: Client, someone: User) -> None:
    make_measured_run({}, name="one")
    bad = save(client, "Broken", "q=metrics.a+%3C&sort=bogus&columns=x")["Location"]
    assert client.get(bad).status_code == 400
    assert client.get(save(client, NASTY, f"q={NASTY}")["Location"]).status_code == 400
    assert NASTY not in client.get("/runs/").content.decode()
    for odd in ("x", "9" * 30, "-1"):
        assert client.get("/runs/", {"view": odd}).status_code == 200


def test_the_views_of_others_are_not_there(client: Client, someone: User) -> None:
    save(client)
    SavedView.objects.update(shared=False)
    view = SavedView.objects.get()
    client.force_login(make_user(Role.ADMINISTRATOR))
    for answer in (
        client.post(f"/runs/views/{view.pk}/delete/"),
        client.get(f"/api/v1/run-views/{view.pk}/"),
    ):
        assert answer.status_code == 404


def test_views_over_rest(client: Client, someone: User) -> None:
    def send(method: str, address: str, **body: Any) -> Any:
        return client.generic(method, address, json.dumps(body), "application/json")

    made = send("POST", "/api/v1/run-views/", name="Best", query="q=x&after=y", shared=True)
    assert (made.status_code, made.json()["query"], made.json()["owner"]) == (201, "q=x", "someone")
    address = f"/api/v1/run-views/{made.json()['id']}/"
    assert send("PATCH", address, name="Better").json()["name"] == "Better"
    assert send("PATCH", address, colour="red").status_code == 422
    assert send("POST", "/api/v1/run-views/", name="Better", query="").status_code == 422
    assert [one["name"] for one in client.get("/api/v1/run-views/").json()["results"]] == ["Better"]
    assert client.delete(address).status_code == 204
