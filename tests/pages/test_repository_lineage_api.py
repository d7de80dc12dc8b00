"""REST of data versions, pipelines, GTO and updates."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments.models import Repository
from lineage import listings
from lineage.models import DataVersion
from tests.pages.test_repository_lineage import NEW, OLD, repository, someone  # noqa: F401 - fixtures
from tests.people import make_user

pytestmark = pytest.mark.django_db
BASE = "/api/v1/repositories/foreign"


def answer(client: Client, path: str, status: int = 200) -> Any:
    response = client.get(f"{BASE}/{path}")
    assert response.status_code == status, response.content
    return response.json()


def test_data_versions_and_who_uses_one(client: Client, repository: Repository) -> None:  # noqa: F811
    rows = answer(client, "data/?path=data/raw")["results"]
    assert [row["hash"] for row in rows] == [NEW, OLD]
    assert rows[0]["node"] == f"data:foreign:data/raw@{NEW}"
    one = answer(client, f"data/{rows[1]['id']}/")
    assert [use["address"] for use in one["uses"]["readers"]] == ["train"]
    assert one["uses"]["commit_count"] == 1
    answer(client, "data/99999/", 404)


def test_two_versions_are_compared(client: Client, repository: Repository) -> None:  # noqa: F811
    old, new = DataVersion.objects.filter(path="data/raw").order_by("pk")
    path = f"data/changes/?old={old.pk}&new={new.pk}"
    assert answer(client, path)["listed"] is False
    assert client.post(f"{BASE}/{path}").status_code == 202
    listings.keep(OLD, [("a", "1")])
    listings.keep(NEW, [("a", "1"), ("b", "2")])
    assert answer(client, path)["changes"] == [{"kind": "added", "path": "b", "before": ""}]
    listings.keep(NEW, [("a", "1"), *((f"b{number:03}", "2") for number in range(130))])
    found = answer(client, f"{path}&page=3&page_size=60")
    assert (found["count"], found["next"]) == (130, None)
    assert [one["path"] for one in found["changes"]] == [f"b{number}" for number in range(120, 130)]
    assert "page=2" in found["previous"]
    answer(client, f"{path}&page=4&page_size=60", 404)
    same = answer(client, f"data/changes/?old={old.pk}&new={old.pk}")
    assert (same["listed"], same["changes"]) == (True, [])
    answer(client, "data/changes/?old=x", 404)


def test_the_pipeline_and_what_runs_again(client: Client, repository: Repository) -> None:  # noqa: F811
    found = answer(client, "pipeline/")
    assert found["edges"] == [["data/raw.dvc", "train"]]
    assert [one["address"] for one in found["comparison"] if one["reruns"]] == ["train"]
    assert found["metrics"] == {"accuracy": 0.91}
    answer(client, "pipeline/?ref=nowhere", 404)
    answer(client, "pipeline/?base=nowhere", 404)
    assert answer(client, "gto/") == []


def test_the_schedule_and_the_webhook(client: Client, repository: Repository) -> None:  # noqa: F811
    assert answer(client, "updates/")["webhook"] is False
    client.force_login(make_user(Role.ADMINISTRATOR))
    put = client.put(f"{BASE}/updates/", {"minutes": 3}, content_type="application/json")
    assert put.status_code == 422
    made = client.post(f"{BASE}/updates/hook/")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    sent = client.post("/hooks/repositories/foreign/", {}, headers={"X-Gitlab-Token": made.json()["secret"]})
    assert sent.status_code == 202
    assert "secret" not in answer(client, "updates/")


def test_strangers_see_nothing(someone: User, repository: Repository) -> None:  # noqa: F811
    for path in ("data/", "pipeline/", "gto/", "updates/", "data/changes/?old=1&new=2"):
        assert Client().get(f"{BASE}/{path}").status_code == 401
