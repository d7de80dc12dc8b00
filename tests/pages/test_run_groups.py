"""Runs in groups, on the page of the table."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from experiments.run_groups import Group
from tests.people import make_user
from tests.runs import NASTY, make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER, username="someone")
    client.force_login(user)
    return user


def groups(client: Client, **query: Any) -> list[Group]:
    found: list[Group] = client.get("/runs/", query).context["grouping"].groups
    return found


def run(cer: float | str, optimizer: str, **changes: Any) -> str:
    params = {"optimizer": optimizer, "lr": "0.1"}
    return make_measured_run({"val_cer": cer, "loss": 1}, params=params, **changes).run_id


def test_each_value_has_its_runs_and_what_their_metrics_are(client: Client, someone: User) -> None:
    run(0.5, "SGD")
    run(0.1, "AdamW")
    best = run(0.05, "AdamW")
    run("NaN", "AdamW", status="FAILED")
    make_measured_run({"val_cer": 0.001}, params={})
    first, second = groups(client, group="params.optimizer", columns="metrics.val_cer")
    assert [(one.values, one.count) for one in (first, second)] == [(("AdamW",), 3), (("SGD",), 1)]
    [measure] = first.measures
    assert measure is not None
    assert (measure.summary.count, measure.best) == (2, best)
    assert measure.summary.mean == pytest.approx(0.075)
    page = client.get("/runs/", {"group": "params.optimizer", "columns": "metrics.val_cer"}).content.decode()
    assert f'href="/runs/{best}/"' in page


def test_a_group_leads_to_its_runs_whatever_the_filter_was(client: Client, someone: User) -> None:
    odd = 'a"b\\c (d)'
    run(0.5, odd, name="one 100%")
    run(0.1, odd, name="two")
    run(0.1, "SGD", name="one more")
    for text, names in (("", {"one 100%", "two"}), ("one", {"one 100%"}), ("metrics.val_cer < 0.2", {"two"})):
        found = groups(client, group=["params.optimizer", "params.lr"], q=text)
        [group] = [one for one in found if one.values == (odd, "0.1")]
        rows = client.get("/runs/", {"q": group.query}).context["page"].rows
        assert {row.run.name for row in rows} == names


def test_tags_group_too_and_the_number_of_queries_stays(client: Client, someone: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert groups(client, group=["tags.team", "params.optimizer"], columns=["metrics.val_cer"])
        return len(captured)

    run(0.5, "SGD", tags={"team": "ocr"})
    few = queries()
    for number in range(5):
        run(0.5, f"o{number}", tags={"team": f"t{number}"})
    assert queries() == few


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"group": "params.gone"}, 200),
        ({"group": "metrics.val_cer"}, 200),
        ({"group": ["", "params.optimizer"]}, 200),
        ({"group": "params." + "x" * 300}, 200),
        ({"group": "params.optimizer", "q": "metrics.a <"}, 400),
        ({"group": "params.optimizer", "columns": "bogus"}, 200),
    ],
)
def test_an_odd_grouping_does_no_harm(
    client: Client, someone: User, query: dict[str, Any], status: int
) -> None:
    run(0.5, NASTY)
    answer = client.get("/runs/", query)
    assert answer.status_code == status
    assert NASTY not in answer.content.decode()


def test_columns_move_by_buttons(client: Client, someone: User) -> None:
    run(0.5, "SGD", tags={"team": "ocr"})
    query = {"columns": ["metrics.val_cer", "tags.team", ""], "sort": "name", "move": "left.tags.team"}
    moved = client.get("/runs/", query)
    assert moved["Location"] == "/runs/?columns=tags.team&columns=metrics.val_cer&sort=name"
    assert "ocr" in client.get(moved["Location"]).content.decode()


def test_groups_over_rest_are_those_of_the_page(client: Client, someone: User) -> None:
    run(0.5, "SGD")
    best = run(0.05, "AdamW")
    run("NaN", "AdamW", tags={"stagegate.archived": "true"})
    query = {"group": "params.optimizer", "columns": "metrics.val_cer", "q": "metrics.val_cer > 0"}
    found = client.get("/api/v1/runs/groups/", query).json()
    assert (found["keys"], found["metrics"], found["more"]) == (["params.optimizer"], ["val_cer"], False)
    assert [one["values"] for one in found["groups"]] == [["AdamW"], ["SGD"]]
    [measure] = found["groups"][0]["measures"]
    told = {"count": 1, "mean": 0.05, "spread": None, "low": 0.05, "high": 0.05}
    assert measure == {**told, "direction": "min", "best": best}
    assert client.get("/api/v1/runs/", {"q": found["groups"][0]["query"]}).json()["count"] == 1
    everything = client.get("/api/v1/runs/groups/", {"group": "params.optimizer", "archived": "all"}).json()
    assert [one["count"] for one in everything["groups"]] == [2, 1]


@pytest.mark.parametrize("query", [{}, {"group": "metrics.a"}, {"group": "params.a", "q": "metrics.a <"}])
def test_what_is_no_grouping_is_refused_over_rest(
    client: Client, someone: User, query: dict[str, Any]
) -> None:
    assert client.get("/api/v1/runs/groups/", query).status_code == 422
