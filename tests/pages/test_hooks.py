"""What hosts of repositories send when somebody pushed."""

import hashlib
import hmac
import json

import pytest
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEntry
from experiments.models import Job
from lineage.hook_signatures import secret_of
from lineage.models import UpdatePlan
from lineage.views import hooks
from tests.history import make_plan
from tests.jobs import make_repository

pytestmark = pytest.mark.django_db

BODY = json.dumps({"ref": "refs/heads/main"}).encode()


@pytest.fixture
def plan() -> UpdatePlan:
    return make_plan(make_repository("foreign"), hook_nonce="a number")


def send(body: bytes = BODY, name: str = "foreign", **headers: str) -> HttpResponse:
    client = Client(enforce_csrf_checks=True)
    path = f"/hooks/repositories/{name}/"
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.post(path, body, content_type="application/json", headers=named)  # type: ignore[return-value]


def signature(plan: UpdatePlan, body: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret_of(plan).encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("header", ["X_Hub_Signature_256", "X_Hub_Signature"])
def test_a_signed_delivery_queues_a_fetch_once(plan: UpdatePlan, header: str) -> None:
    answers = [send(**{header: signature(plan)}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    [job] = Job.objects.all()
    assert (job.kind, job.submitted_by_name) == ("fetch", "webhook")
    told = AuditEntry.objects.get(event="job.submitted")
    assert (told.actor_name, '"cause":"webhook"' in told.data["payload"]) == ("system", True)


def test_gitlab_sends_the_secret_itself(plan: UpdatePlan) -> None:
    assert send(X_Gitlab_Token=secret_of(plan)).status_code == 202


def test_a_ping_queues_nothing(plan: UpdatePlan) -> None:
    assert send(X_Hub_Signature_256=signature(plan), X_GitHub_Event="ping").status_code == 200
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": "\u00e9"},
        {"X_Gitlab_Token": ""},
        {"X_Gitlab_Token": "0" * 64},
    ],
)
def test_what_is_not_signed_is_refused_and_told(plan: UpdatePlan, headers: dict[str, str]) -> None:
    assert send(**headers).status_code == 403
    assert not Job.objects.exists()
    assert AuditEntry.objects.get().event == "permission.denied"


def test_a_signature_is_of_one_body_one_repository_and_one_secret(plan: UpdatePlan) -> None:
    other = make_plan(make_repository("other"), hook_nonce="a number")
    assert send(b"{}", X_Hub_Signature_256=signature(plan)).status_code == 403
    assert send(X_Hub_Signature_256=signature(other)).status_code == 403
    signed = signature(plan)
    UpdatePlan.objects.filter(pk=plan.pk).update(hook_nonce="another")
    assert send(X_Hub_Signature_256=signed).status_code == 403
    UpdatePlan.objects.filter(pk=plan.pk).update(hook_nonce="")
    plan.hook_nonce = ""
    assert send(X_Hub_Signature_256=signature(plan)).status_code == 403


def test_an_unknown_repository_answers_like_a_wrong_signature(plan: UpdatePlan) -> None:
    known, unknown = send(), send(name="nowhere")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert AuditEntry.objects.count() == 1


def test_guessing_has_to_wait_while_genuine_deliveries_do_not(plan: UpdatePlan) -> None:
    codes = [send().status_code for _ in range(12)]
    assert codes[0] == 403
    assert codes[-1] == 429
    assert AuditEntry.objects.count() < 12
    assert send(X_Hub_Signature_256=signature(plan)).status_code == 202


def test_an_endless_body_is_cut_off(plan: UpdatePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MAX_BYTES", 100)
    body = b"x" * 1000
    assert send(body, X_Hub_Signature_256=signature(plan, body)).status_code == 413


def test_only_deliveries_are_taken(plan: UpdatePlan) -> None:
    assert Client().get("/hooks/repositories/foreign/").status_code == 405
