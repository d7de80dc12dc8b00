"""Every address that takes a change is known, works, and leaves its entry in the trail."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from audit.events import Event
from audit.models import AuditEntry
from tests import routes
from tests.acts import ACTS, Act, make_persona
from tests.people import make_user

pytestmark = pytest.mark.django_db

_HOW = """\
These addresses take {method} and are not in the table of tests/acts.py: {names}.
Add a line to ACTS there for each: how it is called validly, which event of audit/events.py its operation
records (None, if it changes nothing), and who may do it. Then it is tested here and in
test_permission_matrix.py. An address that should only read needs @require_safe."""
_WRITES = ("INSERT", "UPDATE", "DELETE")
# Signing in and out is told as what it is; the session itself is no part of the record.
_UNTOLD = "django_session"


def named(act: Act) -> str:
    return f"{act.method} {act.route} {act.event}"


def complaints(response: Any) -> str:
    """What a refusal says, without the page around it."""
    text = response.content.decode().partition("<main")[2] or response.content.decode()
    return f"{response.status_code}: {' '.join(re.sub('<[^>]*>', ' ', text).split())[:3000]}"


@pytest.mark.parametrize("method", routes.METHODS)
def test_every_address_that_takes_a_change_is_in_the_table(method: str) -> None:
    found = {
        address.name or address.pattern for address in routes.taking(make_user(Role.ADMINISTRATOR), method)
    }
    known = {act.route for act in ACTS if act.method == method}
    assert not found - known, _HOW.format(method=method, names=", ".join(sorted(found - known)))
    assert not known - found, f"ACTS names addresses that do not take {method}: {sorted(known - found)}"


@pytest.mark.parametrize("act", ACTS, ids=named)
def test_what_it_does_is_in_the_trail(act: Act) -> None:
    user = make_persona("administrator")
    client = Client()
    if not act.by_stranger:
        client.force_login(user)
    call = act.prepare(user)
    before = AuditEntry.objects.count()
    with CaptureQueriesContext(connection) as queries:
        response = act.send(client, call)
    assert response.status_code < 400, complaints(response)
    told = list(AuditEntry.objects.order_by("sequence")[before:])
    if act.event is None:
        assert told == []
        written = [query["sql"] for query in queries if query["sql"].startswith(_WRITES)]
        assert [sql for sql in written if _UNTOLD not in sql] == []
        return
    assert act.event in [entry.event for entry in told]
    assert {entry.event for entry in told} <= set(Event)
    assert {entry.actor_name for entry in told} <= {user.username, "system"}
