"""Registering versions over REST."""

import pytest
from django.test import Client

from accounts.roles import Role
from experiments.models import Job
from tests.pages import rest, signed_in
from tests.pages.rest import API, assert_problem, post
from tests.people import client_of, make_user
from tests.versions import make_model, make_run, make_version

pytestmark = pytest.mark.django_db
policies, engineer, client = rest.policies, signed_in.engineer, signed_in.client


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
