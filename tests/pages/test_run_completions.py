"""The completions of a filter, as the page asks for them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from tests.people import make_user
from tests.runs import make_measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.VIEWER, username="someone")
    client.force_login(user)
    return user


def offered(client: Client, text: str) -> list[str]:
    found: dict[str, Any] = client.get("/runs/completions/", {"q": text}).json()
    return [text[: found["start"]] + one["text"] for one in found["options"]]


def test_keys_values_and_words_are_offered(client: Client, someone: User) -> None:
    make_measured_run(
        {"val_cer": 1, "val_loss": 2}, params={"opt": "AdamW"}, tags={"team": "글자"}, user="jane"
    )
    make_measured_run({"val_cer": 1}, params={"opt": "SGD"})
    assert offered(client, "metrics.val") == ["metrics.val_cer ", "metrics.val_loss "]
    assert offered(client, "params.opt = ") == ['params.opt = "AdamW" ', 'params.opt = "SGD" ']
    assert offered(client, 'tags.team = "글') == ['tags.team = "글자" ']
    assert offered(client, "user = j") == ['user = "jane" ']
    assert offered(client, "status = FA") == ['status = "FAILED" ']
    assert offered(client, "metrics.a < 1 o") == ["metrics.a < 1 or "]
    assert offered(client, "x" * 5000) == []


def test_as_many_queries_are_asked_as_values_are_offered(client: Client, someone: User) -> None:
    for number in range(30):
        make_measured_run({}, params={"opt": f"{number:02d}"})
    with CaptureQueriesContext(connection) as captured:
        assert len(offered(client, "params.opt = ")) == 12
    assert len(captured) < 18


def test_without_a_role_nothing_is_told(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/runs/completions/?q=m").status_code == 403
