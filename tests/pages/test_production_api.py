"""What was in Production at an instant, over REST."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from registry.models import StageEvent
from tests.pages import rest, signed_in
from tests.pages.rest import API, assert_problem
from tests.promotions import bring
from tests.versions import make_version

pytestmark = pytest.mark.django_db
policies, engineer, client = rest.policies, signed_in.engineer, signed_in.client


@pytest.fixture
def served(engineer: User):
    """Two versions, one after the other in Production: when that changed, and the last request."""
    old, new = make_version("1.0.0"), make_version("1.1.0")
    for version in (old, new):
        bring(version, "Staging", "Production", engineer=engineer)
    now = timezone.now()
    changes = {"1.0.0": now - timedelta(days=9), "1.1.0": now - timedelta(days=3)}
    for number, at in changes.items():
        StageEvent.objects.filter(version__version=number, to_stage="Production").update(at=at)
    StageEvent.objects.filter(version=old, to_stage="Archived").update(at=changes["1.1.0"])
    return changes, new.promotions.get(to_stage="Production")


def production_at(client: Client, at) -> dict:
    response = client.get(f"{API}/models/receipt-ocr/production/", {"at": at.isoformat()})
    assert response.status_code == 200
    return response.json()


def test_production_at_an_instant(client: Client, served) -> None:
    changes, _request = served
    first, second, moment = changes["1.0.0"], changes["1.1.0"], timedelta(microseconds=1)
    assert production_at(client, first - moment)["version"] is None
    assert production_at(client, first)["version"]["version"] == "1.0.0"
    assert production_at(client, second - moment)["version"]["version"] == "1.0.0"
    assert production_at(client, second)["version"]["version"] == "1.1.0"


def test_production_now_says_who_approved_it_on_which_evidence(client: Client, served) -> None:
    _changes, request = served
    body = client.get(f"{API}/models/receipt-ocr/production/").json()
    assert body["version"]["version"] == "1.1.0"
    assert body["promotion"] == request.pk
    assert body["evidence_digest"] == request.evidence_digest
    assert body["approved_by"] == [request.reviews.get().reviewer_name]
    assert body["by"] == body["approved_by"][0]


def test_production_before_the_first_version_names_nobody(client: Client) -> None:
    make_version()
    body = client.get(f"{API}/models/receipt-ocr/production/").json()
    assert (body["version"], body["by"], body["approved_by"]) == (None, None, [])


@pytest.mark.parametrize("at", ["2026-01-31T09:30:00", "yesterday", "2026-02-31T00:00:00Z", "2026-01-31"])
def test_an_instant_without_zone_or_sense_is_refused(client: Client, at: str) -> None:
    make_version()
    response = client.get(f"{API}/models/receipt-ocr/production/", {"at": at})
    assert "at" in assert_problem(response, 422)["errors"]
