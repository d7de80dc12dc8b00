"""The REST interface of models, versions and promotions."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from registry import promotion
from registry.models import Promotion, StageEvent
from tests.people import make_user
from tests.promotions import set_rules
from tests.versions import make_model, make_run, make_version

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture(autouse=True)
def policies(db: None) -> None:
    """One approval and no gates: those have tests of their own."""
    set_rules()


VERSION = f"{API}/models/receipt-ocr/versions/1.0.0/"
EVERYBODY = [None, Role.VIEWER, Role.ENGINEER, Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def engineer() -> User:
    return make_user(Role.ENGINEER)


@pytest.fixture
def client(engineer: User) -> Client:
    return client_of(engineer)


def post(client: Client, path: str, body: object):
    return client.post(API + path, body, content_type="application/json")


def assert_problem(response, status: int) -> dict:
    problem = response.json()
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/models/",
        f"{API}/models/receipt-ocr/",
        f"{API}/models/receipt-ocr/production/",
        f"{API}/models/receipt-ocr/versions/",
        VERSION,
        f"{VERSION}metadata/",
        f"{VERSION}files/",
        f"{VERSION}history/",
        f"{API}/promotions/",
        "/api/schema/",
        "/api/docs/",
    ],
)
def test_every_address_that_reads_answers_every_role_and_nobody_else(path: str) -> None:
    make_version()
    assert Client().get(path).status_code in (302, 401, 403)
    for role in EVERYBODY:
        user = make_user(role) if role else make_user()
        assert client_of(user).get(path).status_code == (200 if role else 403)


def test_a_token_signs_in(engineer: User) -> None:
    _row, plain = tokens.create(engineer, "ci")
    make_model()
    assert Client().get(f"{API}/models/", headers={"Authorization": f"Token {plain}"}).status_code == 200
    refused = Client().get(f"{API}/models/", headers={"Authorization": "Token stg_wrong"})
    assert_problem(refused, 401)


def test_models_say_what_is_in_their_stages(client: Client) -> None:
    make_version("1.0.0", stage="Production")
    make_version("1.1.0", stage="Staging")
    make_version("1.10.0-rc1")
    (row,) = client.get(f"{API}/models/").json()["results"]
    assert row["production"] == "1.0.0"
    assert row["staging"] == ["1.1.0"]
    assert row["latest"] == "1.10.0-rc1"
    assert row["versions"] == 3
    assert client.get(f"{API}/models/receipt-ocr/").json() == row
    assert client.get(f"{API}/models/?q=nothing").json()["count"] == 0


def test_a_name_that_is_part_of_another_names_one_model(client: Client) -> None:
    make_version("1.0.0", model="ocr")
    make_version("2.0.0", model="a-ocr")
    assert client.get(f"{API}/models/ocr/").json()["latest"] == "1.0.0"


def test_versions_come_newest_first_and_in_pages(client: Client) -> None:
    for number in ("1.9.0", "1.10.0-rc2", "1.10.0", "1.10.0-rc10"):
        make_version(number)
    path = f"{API}/models/receipt-ocr/versions/"
    first = client.get(path + "?page_size=3").json()
    assert [row["version"] for row in first["results"]] == ["1.10.0", "1.10.0-rc10", "1.10.0-rc2"]
    assert [row["version"] for row in client.get(first["next"]).json()["results"]] == ["1.9.0"]


def test_a_version_is_named_by_either_number(client: Client) -> None:
    version = make_version("1.3.0-rc.1+cpu", mlflow_version=41)
    for name in ("1.3.0-rc.1%2Bcpu", "41"):
        body = client.get(f"{API}/models/receipt-ocr/versions/{name}/").json()
        assert body["version"] == version.version
        assert body["mlflow_version"] == 41
        assert body["model"] == "receipt-ocr"


def test_metadata_files_and_history_of_a_version(client: Client, engineer: User) -> None:
    version = make_version()
    approved(version, "Staging", engineer)
    assert client.get(f"{VERSION}metadata/").json() == version.metadata
    assert client.get(f"{VERSION}files/").json() == version.manifest
    (event,) = client.get(f"{VERSION}history/").json()
    assert (event["from_stage"], event["to_stage"]) == ("Development", "Staging")


def approved(version, to_stage: str, engineer: User) -> Promotion:
    request = promotion.open_for(version, to_stage, user=engineer)
    reviewer = make_user(Role.REVIEWER)
    promotion.review(request, "approve", user=reviewer, evidence_digest=request.evidence_digest)
    version.refresh_from_db()
    return request


@pytest.mark.parametrize(
    "path",
    [
        "/models/none/",
        "/models/none/production/",
        "/models/none/versions/",
        "/models/receipt-ocr/versions/9.9.9/",
        "/models/receipt-ocr/versions/99999999999999999999/",
        "/models/receipt-ocr/versions/9.9.9/metadata/",
        "/models/receipt-ocr/versions/9.9.9/files/",
        "/models/receipt-ocr/versions/9.9.9/history/",
        "/promotions/999/",
    ],
)
def test_what_does_not_exist_is_a_404_problem(client: Client, path: str) -> None:
    make_model()
    assert_problem(client.get(API + path), 404)


# --- Production at an instant ------------------------------------------------------------------------------


@pytest.fixture
def served(engineer: User):
    """Two versions, one after the other in Production; yields the instants of the changes."""
    old, new = make_version("1.0.0"), make_version("1.1.0")
    for version in (old, new):
        for stage in ("Staging", "Production"):
            request = approved(version, stage, engineer)
    now = timezone.now()
    changes = {"1.0.0": now - timedelta(days=9), "1.1.0": now - timedelta(days=3)}
    for number, at in changes.items():
        StageEvent.objects.filter(version__version=number, to_stage="Production").update(at=at)
    StageEvent.objects.filter(version=old, to_stage="Archived").update(at=changes["1.1.0"])
    return changes, request


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


# --- Registering -------------------------------------------------------------------------------------------


def test_registering_is_queued(client: Client) -> None:
    run = make_run()
    make_model()
    response = post(client, "/models/receipt-ocr/versions/", {"run_id": run.run_id})
    assert response.status_code == 202
    assert response.json() == {
        "job": Job.objects.get(kind="register").pk,
        "state": "queued",
        "model": "receipt-ocr",
        "version": "1.0.0",
    }


def test_a_bump_is_counted_from_the_latest_release(client: Client) -> None:
    make_version("1.4.2")
    make_version("2.0.0-rc1")
    body = {"run_id": make_run().run_id, "bump": "major"}
    assert post(client, "/models/receipt-ocr/versions/", body).json()["version"] == "2.0.0"


def test_a_viewer_who_asks_for_a_senseless_bump_is_refused_for_who_they_are() -> None:
    body = {"run_id": make_run().run_id, "bump": "major", "version": "2.0.0"}
    viewer = client_of(make_user(Role.VIEWER))
    assert_problem(post(viewer, "/models/receipt-ocr/versions/", body), 403)


def test_registering_what_another_person_failed_to_is_a_conflict(client: Client) -> None:
    body = {"run_id": make_run().run_id}
    post(client_of(make_user(Role.ENGINEER, username="colleague")), "/models/receipt-ocr/versions/", body)
    Job.objects.update(state="failed")
    assert "colleague" in assert_problem(post(client, "/models/receipt-ocr/versions/", body), 409)["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "run_id"),
        ({"run_id": "RUN", "verson": "1.0.0"}, "verson"),
        ({"run_id": "RUN", "version": "1.0"}, "version"),
        ({"run_id": "RUN", "version": "1.0.0"}, "version"),
        ({"run_id": "RUN", "bump": "huge"}, "bump"),
        ({"run_id": "RUN", "bump": "minor", "version": "3.0.0"}, "bump"),
        ({"run_id": "RUN", "reason": "x" * 2001}, "reason"),
        ({"run_id": ""}, "run_id"),
    ],
)
def test_a_registration_that_makes_no_sense_is_refused_by_field(
    client: Client, body: dict, field: str
) -> None:
    make_version("1.0.0")
    if body.get("run_id") == "RUN":
        body = {**body, "run_id": make_run().run_id}
    response = post(client, "/models/receipt-ocr/versions/", body)
    assert field in assert_problem(response, 422)["errors"]
    assert not Job.objects.exists()


def test_a_body_that_is_no_json_is_a_problem_too(client: Client) -> None:
    make_model()
    response = client.post(f"{API}/promotions/", "{", content_type="application/json")
    assert_problem(response, 400)
    assert_problem(post(client, "/promotions/", [1]), 422)


# --- Who may do what ---------------------------------------------------------------------------------------

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


# --- Promotions --------------------------------------------------------------------------------------------


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
    done = approved(make_version("1.1.0"), "Staging", engineer)
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


@pytest.mark.parametrize("path", ["/models/", "/models/receipt-ocr/versions/", "/promotions/"])
def test_queries_do_not_grow_with_the_rows(client: Client, engineer: User, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(API + path).status_code == 200
        return len(captured)

    promotion.open_for(make_version("1.0.0"), "Staging", user=engineer)
    make_version("1.0.1", stage="Production")
    few = queries()
    for minor in range(1, 9):
        promotion.open_for(make_version(f"1.{minor}.0"), "Staging", user=engineer)
        make_version("1.0.0", model=f"model-{minor}", stage="Production")
    assert queries() == few
    assert few <= 12


# --- Its description ---------------------------------------------------------------------------------------


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
