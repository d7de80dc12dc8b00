"""REST for tests: addresses, a policy without gates, how to send a body, what a refusal looks like."""

import pytest
from django.test import Client

from accounts.roles import Role
from tests.promotions import set_rules

API = "/api/v1"
VERSION = f"{API}/models/receipt-ocr/versions/1.0.0/"
EVERYBODY = [None, Role.VIEWER, Role.ENGINEER, Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR]


@pytest.fixture(autouse=True)
def policies(db: None) -> None:
    """One approval and no gates: those have tests of their own."""
    set_rules()


def post(client: Client, path: str, body: object):
    """Send `body` to what stands below `API`."""
    return client.post(API + path, body, content_type="application/json")


def assert_problem(response, status: int) -> dict:
    """See that `response` is a complete problem of RFC 9457 with `status`; return it."""
    problem = response.json()
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem
