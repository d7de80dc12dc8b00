"""What the REST interface says of itself: its schema and its documentation."""

import pytest
from django.core.management import call_command
from django.test import Client

from tests.pages import signed_in

pytestmark = pytest.mark.django_db
engineer, client = signed_in.engineer, signed_in.client


def test_the_schema_is_valid_and_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)
    assert "openapi: 3.1" in capsys.readouterr().out


def test_the_documentation_shows_every_endpoint(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    schema = client.get("/api/schema/?format=json").json()
    for path, methods in schema["paths"].items():
        assert path in page
        for method, operation in methods.items():
            assert f'id="{operation["operationId"].replace("_", "-")}"' in page
            assert method.upper() in page
    assert "evidence_digest" in page
    assert "Authorization: Token" in page
