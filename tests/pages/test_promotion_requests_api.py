"""Promotions over REST: who may register, ask and decide, and the way from a request to a decision."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from registry import promotion
from registry.models import Promotion
from tests.pages import rest, signed_in
from tests.pages.rest import API, EVERYBODY, VERSION, assert_problem, post
from tests.people import client_of, make_user
from tests.promotions import bring
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db
policies, engineer, client = rest.policies, signed_in.engineer, signed_in.client

MAY = {
    "register": {Role.ENGINEER, Role.ADMINISTRATOR},
    "open": {Role.ENGINEER, Role.ADMINISTRATOR},
    "review": {Role.REVIEWER, Role.ADMINISTRATOR},
    "withdraw": {Role.ADMINISTRATOR},
}


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("act", MAY)
def test_who_may_do_what(role: Role | None, act: str, engineer: User) -> None:
    client = client_of(make_user(role) if role else make_user())
    version = make_version()
    request = promotion.open_for(version, "Staging", user=engineer) if act in ("review", "withdraw") else None
    number = request.pk if request else 0
    digest = request.evidence_digest if request else ""
    calls = {
        "register": ("/models/receipt-ocr/versions/", {"run_id": make_run().run_id}),
        "open": ("/promotions/", {"model": "receipt-ocr", "version": "1.0.0", "to": "Staging"}),
        "review": (f"/promotions/{number}/reviews/", {"verdict": "approve", "evidence_digest": digest}),
        "withdraw": (f"/promotions/{number}/withdraw/", {}),
    }
    response = post(client, *calls[act])
    if role in MAY[act]:
        assert response.status_code in (200, 201, 202)
    else:
        assert_problem(response, 403)
        version.refresh_from_db()
        assert version.stage == "Development"


def test_a_stranger_changes_nothing() -> None:
    make_version()
    body = {"model": "receipt-ocr", "version": "1.0.0", "to": "Staging"}
    assert_problem(post(Client(), "/promotions/", body), 401)
    assert not Promotion.objects.exists()


def test_a_promotion_from_request_to_production(client: Client) -> None:
    make_version()
    opened = post(client, "/promotions/", {"model": "receipt-ocr", "version": "1.0.0", "to": "Staging"})
    assert opened.status_code == 201
    body = opened.json()
    assert (body["state"], body["to"], body["from_stage"]) == ("open", "Staging", "Development")
    reviewer = client_of(make_user(Role.REVIEWER))
    seen = reviewer.get(f"{API}/promotions/{body['id']}/").json()
    assert seen["verdict"]["can_approve"] is True
    verdict = {"verdict": "approve", "evidence_digest": seen["evidence_digest"], "comment": "Good."}
    decided = post(reviewer, f"/promotions/{body['id']}/reviews/", verdict)
    assert decided.status_code == 201
    assert decided.json()["state"] == "approved"
    assert decided.json()["reviews"][0]["comment"] == "Good."
    assert reviewer.get(VERSION).json()["stage"] == "Staging"


def test_the_requester_is_told_why_they_cannot_approve(engineer: User) -> None:
    both = make_user(Role.ENGINEER, Role.REVIEWER)
    request = promotion.open_for(make_version(), "Staging", user=both)
    client = client_of(both)
    seen = client.get(f"{API}/promotions/{request.pk}/").json()["verdict"]
    assert seen["can_approve"] is False
    assert "another reviewer" in seen["personal"]
    body = {"verdict": "approve", "evidence_digest": request.evidence_digest}
    assert_problem(post(client, f"/promotions/{request.pk}/reviews/", body), 403)


def test_what_changed_meanwhile_is_a_conflict(engineer: User) -> None:
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    reviewer = client_of(make_user(Role.REVIEWER))
    path = f"/promotions/{request.pk}/reviews/"
    stale = {"verdict": "approve", "evidence_digest": "0" * 64}
    assert "not the one you reviewed" in assert_problem(post(reviewer, path, stale), 409)["detail"]
    fresh = {"verdict": "approve", "evidence_digest": request.evidence_digest}
    assert post(reviewer, path, fresh).status_code == 201
    assert "decided already" in assert_problem(post(reviewer, path, fresh), 409)["detail"]
    withdrawn = post(client_of(engineer), f"/promotions/{request.pk}/withdraw/", {})
    assert_problem(withdrawn, 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"version": "1.0.0", "to": "Staging"}, "model"),
        ({"model": "receipt-ocr", "version": "1.0.0", "to": "Production"}, "to"),
        ({"model": "receipt-ocr", "version": "1.0.0", "to": "Nirvana"}, "to"),
        ({"model": "receipt-ocr", "version": "1.0.0", "to": "Staging", "stage": "x"}, "stage"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_field(client: Client, body: dict, field: str) -> None:
    make_version()
    assert field in assert_problem(post(client, "/promotions/", body), 422)["errors"]
    assert not Promotion.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "reject"}, "comment"),
        ({"verdict": "request_changes", "comment": "  "}, "comment"),
        ({"evidence": "x"}, "evidence"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused_by_field(engineer: User, changes: dict, field: str) -> None:
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    body = {"verdict": "approve", "evidence_digest": request.evidence_digest, **changes}
    response = post(client_of(make_user(Role.REVIEWER)), f"/promotions/{request.pk}/reviews/", body)
    assert field in assert_problem(response, 422)["errors"]
    assert not request.reviews.exists()


def test_promotions_are_filtered(engineer: User) -> None:
    waiting = promotion.open_for(make_version("1.0.0"), "Staging", user=engineer)
    done = bring(make_version("1.1.0"), "Staging", engineer=engineer).promotions.get()
    reviewer, own = client_of(make_user(Role.REVIEWER)), client_of(engineer)

    def found(client: Client, query: str) -> list[int]:
        return [row["id"] for row in client.get(f"{API}/promotions/{query}").json()["results"]]

    assert found(own, "") == [done.pk, waiting.pk]
    assert found(own, "?state=approved") == [done.pk]
    assert found(reviewer, "?waiting_for_me=true") == [waiting.pk]
    assert found(reviewer, "?waiting_for_me=true&state=approved") == []
    assert found(own, "?waiting_for_me=true") == []
    assert_problem(own.get(f"{API}/promotions/?state=nonsense"), 422)
    assert_problem(own.get(f"{API}/promotions/?waiting_for_me=perhaps"), 422)
