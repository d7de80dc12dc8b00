"""U+0000, which PostgreSQL does not take, is refused before it gets there, wherever it comes from."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from tests import routes
from tests.acts import ACTS, Act, make_persona
from tests.pages.rest import assert_problem
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "%00=a", "node=data:r:x%00@abc", "q=한%00", "a&b=%00"])
def test_an_address_with_a_zero_character_is_refused_with_the_reason(query: str) -> None:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    for address in ("/runs/", "/lineage/", "/lineage/impact/", "/models/%00/"):
        answer = client.get(f"{address}?{query}")
        assert answer.status_code == 400
        assert "zero character" in answer.content.decode()
    told = assert_problem(client.get(f"/api/v1/lineage/?{query}"), 400)
    assert "zero character" in told["detail"]


def test_what_only_looks_like_one_is_not(client: Client) -> None:
    client.force_login(make_user(Role.VIEWER))
    assert client.get("/runs/?experiment=%2500").status_code == 200


def test_no_address_fails_of_one() -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(Role.ADMINISTRATOR))
    told = {one.pattern: client.get(f"{one.example}?at=%00&q=%00").status_code for one in routes.addresses()}
    assert [pattern for pattern, status in told.items() if status not in (400, 404, 405)] == []


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.method} {act.route} {act.event}")
def test_no_body_brings_one_to_the_database(act: Act) -> None:
    user = make_persona("administrator")
    client = Client(raise_request_exception=False)
    if not act.by_stranger:
        client.force_login(user)
    call = act.prepare(user)
    for data in _spoilt(dict(call.data)):
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            answer = act.send(client, replace(call, data=data))
            transaction.set_rollback(True)
        assert answer.status_code < 500, (data, answer.content.decode()[:2000])
        assert not any("\0" in query["sql"] or "\\u0000" in query["sql"] for query in queries), data


def _spoilt(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `data` with one of its texts or names spoilt, as deep as they go."""
    yield {**data, "\0": "a"}
    for name, value in data.items():
        yield from ({**data, name: one} for one in _spoilt_values(value))


def _spoilt_values(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield f"{value}\0"
    elif isinstance(value, dict):
        yield from _spoilt(value)
    elif isinstance(value, list):
        yield [*value, "\0"]
        for place, item in enumerate(value):
            yield from ([*value[:place], one, *value[place + 1 :]] for one in _spoilt_values(item))
    elif not isinstance(value, SimpleUploadedFile):
        yield "\0"
