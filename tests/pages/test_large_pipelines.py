"""Pipelines of very many stages and files are shown in part, and said to be."""

from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from lineage.selectors import pipeline
from tests.history import make_history, make_snapshot, make_stage
from tests.jobs import make_repository
from tests.people import make_user

pytestmark = pytest.mark.django_db
TOO_LARGE = "This commit has more stages and files than can be shown"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


@pytest.fixture
def commits():
    """A commit of one stage, and one of twelve after it, of which each makes sixty files."""
    repository = make_repository("large", default_ref="")
    outputs = {f"out{number}": f"{number:032}" for number in range(60)}
    stages = [make_stage(repository, f"s{number}", {}, outputs) for number in range(12)]
    first = make_history(repository, make_snapshot(repository, stages[:1]))
    return first, make_history(repository, make_snapshot(repository, stages), parents=[first.sha])


def shown(client: Client) -> tuple[str, dict[str, Any]]:
    page = client.get("/repositories/large/pipeline/")
    assert page.status_code == 200
    return page.content.decode(), client.get("/api/v1/repositories/large/pipeline/").json()


def test_what_fits_is_shown_and_compared_with_its_first_files(client, commits) -> None:
    text, told = shown(client)
    assert TOO_LARGE not in text
    assert text.count("and 10 more") == 12
    assert told["complete"]
    assert len(told["comparison"]) == 12


@pytest.mark.parametrize(("limit", "value"), [("MAX_STAGES", 5), ("MAX_FILES", 300)])
def test_what_does_not_fit_is_said_and_not_compared(client, commits, monkeypatch, limit, value) -> None:
    monkeypatch.setattr(pipeline, limit, value)
    text, told = shown(client)
    assert TOO_LARGE in text
    assert "its first 5 stages are here" in text
    assert (len(told["stages"]), told["complete"], told["comparison"]) == (5, False, None)


def test_a_base_that_does_not_fit_is_said(client, commits, monkeypatch) -> None:
    first, second = commits
    monkeypatch.setattr(pipeline, "MAX_STAGES", 5)
    page = client.get(f"/repositories/large/pipeline/?ref={first.sha}&base={second.sha}")
    assert "The other commit has more stages and files than can be compared." in page.content.decode()


def test_stages_stand_on_pages(client, commits, monkeypatch) -> None:
    monkeypatch.setattr("lineage.views.pipeline._STAGES_PER_PAGE", 5)
    text, _told = shown(client)
    assert text.count('class="stage-item"') == 5
    rest = client.get("/repositories/large/pipeline/?page=3").content.decode()
    assert rest.count('class="stage-item"') == 2
