"""The REST interface of decisions: evidence, comments, waivers, rollback, bypass, notices."""

from typing import Any

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from registry import promotion, promotion_renewal
from registry.models import ModelVersion, Notice, Promotion
from registry.policy_rules import GateSetting
from tests.people import make_user
from tests.promotions import bring, set_rules
from tests.versions import make_version

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture(autouse=True)
def policies(db: None) -> None:
    set_rules()


def client_of(*roles: Role, user: User | None = None) -> Client:
    client = Client()
    client.force_login(user or make_user(*roles))
    return client


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(API + path, body or {}, content_type="application/json")


def opened(**changes: Any) -> Promotion:
    user = changes.pop("user", None) or make_user(Role.ENGINEER)
    return promotion.open_for(make_version(**changes), "Staging", user=user)


def test_a_promotion_says_its_gates_policy_and_every_reason_that_blocks_it() -> None:
    set_rules(approvals=2, gates=(GateSetting("card"), GateSetting("final_version")))
    request = opened()
    client = client_of(Role.REVIEWER)
    found = client.get(f"{API}/promotions/{request.pk}/").json()
    assert found["verdict"]["can_approve"] is False
    assert [(one["kind"], one["anchor"]) for one in found["verdict"]["blocking"]] == [
        ("gate_failed", "gate:card")
    ]
    assert found["verdict"]["blocking"][0]["text"]
    assert found["verdict"]["approvals_needed"] == 2
    assert [(one["gate"], one["status"]) for one in found["gates"]] == [
        ("card", "failed"),
        ("final_version", "passed"),
    ]
    assert found["policy"]["number"] == 2
    refused = post(
        client,
        f"/promotions/{request.pk}/reviews/",
        {"verdict": "approve", "evidence_digest": found["evidence_digest"]},
    )
    assert refused.status_code == 409
    assert refused.json()["reasons"] == [found["verdict"]["blocking"][0]["text"]]


def test_ones_own_request_is_refused_whichever_identity_comes_with_it() -> None:
    both, other = make_user(Role.ENGINEER, Role.REVIEWER), make_user(Role.REVIEWER)
    request = opened(user=both)
    body = {"verdict": "approve", "evidence_digest": request.evidence_digest}
    path = f"/promotions/{request.pk}/reviews/"
    assert post(client_of(user=both), path, body).status_code == 403
    # The session of somebody else with the token of the requester: the token counts, and is refused.
    _row, plain = tokens.create(both, "ci")
    session = client_of(user=other)
    answer = session.post(
        API + path, body, content_type="application/json", headers={"Authorization": f"Token {plain}"}
    )
    assert answer.status_code == 403
    # Signing in as the requester between page and click.
    session.force_login(both)
    assert post(session, path, body).status_code == 403
    assert AuditEntry.objects.filter(event="permission.denied", data__why="requester").count() == 3
    request.refresh_from_db()
    assert request.state == "open"


def test_old_evidence_is_a_conflict_that_names_what_changed() -> None:
    request = opened()
    old = request.evidence_digest
    ModelVersion.objects.update(manifest_digest="f" * 64)
    promotion_renewal.renew(request, user=make_user(Role.ENGINEER))
    answer = post(
        client_of(Role.REVIEWER),
        f"/promotions/{request.pk}/reviews/",
        {"verdict": "approve", "evidence_digest": old},
    )
    assert answer.status_code == 409
    assert answer.json()["reasons"] == ["artifacts"]


def test_evidence_is_renewed_and_every_snapshot_can_be_read() -> None:
    request = opened()
    ModelVersion.objects.update(manifest_digest="f" * 64)
    engineer = client_of(Role.ENGINEER)
    renewed = post(engineer, f"/promotions/{request.pk}/renew/")
    assert renewed.status_code == 200
    snapshots = engineer.get(f"{API}/promotions/{request.pk}/evidence/").json()
    assert [one["changed"] for one in snapshots] == [[], ["manifest_digest"]]
    assert snapshots[1]["digest"] == renewed.json()["evidence_digest"]
    assert snapshots[1]["evidence"]["manifest_digest"] == "f" * 64
    assert post(engineer, f"/promotions/{request.pk}/renew/").status_code == 409


def test_comments_and_waivers_over_rest() -> None:
    set_rules(gates=(GateSetting("card"),))
    request = opened()
    viewer, boss = client_of(Role.VIEWER), client_of(Role.ADMINISTRATOR)
    path = f"/promotions/{request.pk}"
    said = post(viewer, f"{path}/comments/", {"body": "Why?", "anchor": "gate:card"})
    assert said.status_code == 201
    assert post(viewer, f"{path}/comments/", {"body": ""}).status_code == 422
    assert [one["body"] for one in viewer.get(f"{API}{path}/comments/").json()] == ["Why?"]
    assert post(viewer, f"{path}/waivers/", {"gate": "card", "reason": "x"}).status_code == 403
    assert post(boss, f"{path}/waivers/", {"gate": "no", "reason": "x"}).status_code == 422
    assert post(boss, f"{path}/waivers/", {"gate": "card", "reason": "Hot fix"}).status_code == 201
    assert post(boss, f"{path}/waivers/", {"gate": "card", "reason": "Hot fix"}).status_code == 409
    (waiver,) = viewer.get(f"{API}{path}/").json()["waivers"]
    assert (waiver["gate"], waiver["reason"]) == ("card", "Hot fix")


def test_production_is_rolled_back_over_rest() -> None:
    old = bring(make_version("1.0.0"), "Staging", "Production")
    bring(make_version("1.1.0"), "Staging", "Production")
    reviewer, path = client_of(Role.REVIEWER), "/models/receipt-ocr/rollback/"
    assert [one["version"] for one in reviewer.get(API + path).json()] == ["1.0.0"]
    body = {"to_version": "1.0.0", "reason": "It cannot read euros"}
    assert post(client_of(Role.ENGINEER), path, body).status_code == 403
    assert post(reviewer, path, {**body, "reason": " "}).status_code == 422
    assert post(reviewer, path, {**body, "to_version": "9.9.9"}).status_code == 404
    assert post(reviewer, path, {**body, "serving": "1.0.5"}).status_code == 409
    done = post(reviewer, path, {**body, "serving": "1.1.0"})
    assert done.status_code == 201
    assert (done.json()["kind"], done.json()["state"]) == ("rollback", "approved")
    old.refresh_from_db()
    assert old.stage == "Production"
    assert post(reviewer, path, body).status_code == 409


def test_a_bypass_and_what_follows_it_over_rest() -> None:
    make_version("1.0.1")
    boss, reviewer = client_of(Role.ADMINISTRATOR), client_of(Role.REVIEWER)
    path, body = "/models/receipt-ocr/bypass/", {"version": "1.0.1", "to": "Production", "reason": "Fire"}
    assert post(reviewer, path, body).status_code == 403
    assert post(boss, path, {**body, "to": "Archived"}).status_code == 422
    made = post(boss, path, body).json()
    assert made["kind"] == "bypass"
    follow_up = f"/promotions/{made['id']}/follow-up/"
    assert post(boss, follow_up, {"comment": "Mine"}).status_code == 403
    seen = post(reviewer, follow_up, {"comment": "It was right."})
    assert seen.status_code == 200
    assert seen.json()["follow_up"] == "It was right."
    assert post(reviewer, follow_up, {"comment": "Again"}).status_code == 409


def test_people_read_their_own_notices() -> None:
    reader = make_user(Role.REVIEWER)
    make_user(Role.REVIEWER)
    request = opened()
    client = client_of(user=reader)
    (notice,) = client.get(f"{API}/notices/?unread=1").json()["results"]
    assert (notice["kind"], notice["promotion"]) == ("review_wanted", request.pk)
    assert "receipt-ocr@1.0.0" in notice["sentence"]
    assert post(client, "/notices/read/", {"ids": [notice["id"]]}).status_code == 204
    assert client.get(f"{API}/notices/?unread=1").json()["results"] == []
    assert len(client.get(f"{API}/notices/").json()["results"]) == 1
    assert Notice.objects.filter(read_at=None).count() == 1
    assert post(client, "/notices/read/").status_code == 204


def test_what_belongs_to_a_restricted_model_does_not_exist_for_others() -> None:
    request = opened()
    request.version.model.restricted = True
    request.version.model.save()
    client = client_of(Role.REVIEWER)
    path = f"/promotions/{request.pk}"
    assert client.get(f"{API}{path}/").status_code == 404
    assert client.get(f"{API}{path}/evidence/").status_code == 404
    for name, body in (
        ("comments", {"body": "x"}),
        ("waivers", {"gate": "card", "reason": "x"}),
        ("renew", {}),
        ("withdraw", {}),
        ("reviews", {"verdict": "approve", "evidence_digest": request.evidence_digest}),
    ):
        assert post(client, f"{path}/{name}/", body).status_code == 404
    assert (
        post(client, "/models/receipt-ocr/rollback/", {"to_version": "1", "reason": "x"}).status_code == 404
    )
    assert client.get(f"{API}/promotions/").json()["count"] == 0
    assert client.get(f"{API}/notices/").json()["count"] == 0


def test_lists_filter_by_state_and_by_whose_turn_it_is() -> None:
    mine, reader = opened(), make_user(Role.REVIEWER)
    client = client_of(user=reader)
    assert client.get(f"{API}/promotions/?waiting_for_me=true").json()["count"] == 1
    promotion.review(mine, "approve", user=reader, evidence_digest=mine.evidence_digest)
    assert client.get(f"{API}/promotions/?waiting_for_me=true").json()["count"] == 0
    assert client.get(f"{API}/promotions/?state=approved").json()["count"] == 1
    assert client.get(f"{API}/promotions/?state=nonsense").status_code == 422
