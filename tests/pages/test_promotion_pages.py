"""The pages of a promotion, from the request to the decision."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from registry import promotion
from registry.models import ModelVersion
from tests.pages import signed_in
from tests.people import client_of, make_user
from tests.promotions import set_rules
from tests.registry_story import make_story
from tests.versions import make_version

pytestmark = pytest.mark.django_db
engineer, client = signed_in.engineer, signed_in.client


def test_a_promotion_goes_from_request_to_decision_in_the_pages(client):
    set_rules()
    version = make_version()
    opened = client.post(
        reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"]),
        {"to": "Staging", "comment": "please"},
    )
    request = promotion.Promotion.objects.get()
    assert opened.url == request.get_absolute_url()
    reviewer = client_of(make_user(Role.REVIEWER))
    assert "please" in reviewer.get(opened.url).content.decode()
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest, "comment": ""}
    assert reviewer.post(reverse("registry:review", args=[request.pk]), answer).status_code == 302
    version.refresh_from_db()
    assert version.stage == "Staging"


def test_the_requester_cannot_approve_on_the_page_either(engineer):
    both = make_user(Role.ENGINEER, Role.REVIEWER)
    request = promotion.open_for(make_version(), "Staging", user=both)
    client = client_of(both)
    assert "another reviewer" in client.get(request.get_absolute_url()).content.decode()
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest}
    assert client.post(reverse("registry:review", args=[request.pk]), answer).status_code == 403


def test_a_review_of_old_evidence_is_a_conflict_that_says_so(engineer):
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    client = client_of(make_user(Role.REVIEWER))
    answer = {"verdict": "approve", "evidence_digest": "0" * 64}
    response = client.post(reverse("registry:review", args=[request.pk]), answer)
    assert response.status_code == 409
    assert "not the one you reviewed" in response.content.decode()


def test_an_unknown_stage_is_refused_in_the_form(client):
    make_version()
    address = reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"])
    assert client.post(address, {"to": "Nirvana"}).status_code == 422


def approve(client: Client, request: promotion.Promotion, **changes: str):
    answer = {"verdict": "approve", "evidence_digest": request.evidence_digest, "comment": "", **changes}
    return client.post(reverse("registry:review", args=[request.pk]), answer)


@pytest.mark.parametrize("typed", ["", "1.0.0", "production"])
def test_production_is_not_approved_without_typing_the_version(client, engineer, typed):
    set_rules()
    make_version("1.0.0", stage="Production")
    version = make_version("1.1.0", stage="Staging")
    request = promotion.open_for(version, "Production", user=engineer)
    reviewer = client_of(make_user(Role.REVIEWER))
    assert 'name="confirm"' in reviewer.get(request.get_absolute_url() + "?confirm").content.decode()
    refused = approve(reviewer, request, confirm=typed, comment="my words")
    assert refused.status_code == 422
    assert "Type 1.1.0 to approve it." in refused.content.decode()
    assert "my words" in refused.content.decode()
    assert not request.reviews.exists()
    assert approve(reviewer, request, confirm="1.1.0").status_code == 302
    version.refresh_from_db()
    assert version.stage == "Production"


def test_the_review_page_says_what_improved_and_what_got_worse():
    story = make_story()
    client = client_of(story.reviewer)
    response = client.get(story.opened.get_absolute_url())
    comparison = response.context["comparison"]
    assert comparison.better == ("val_cer", "val_accuracy")
    assert comparison.worse == ("val_loss",)
    assert comparison.same == ("val_wer", "train_loss")
    assert [field.name for field, _before in response.context["changes"]] == ["learning_rate", "scheduler"]


def test_the_timeline_of_a_promotion_tells_of_both_versions_it_moved():
    story = make_story()
    approver = make_user(Role.REVIEWER)
    promotion.review(story.opened, "approve", user=approver, evidence_digest=story.opened.evidence_digest)
    client = client_of(approver)
    events = client.get(story.opened.get_absolute_url()).context["events"]
    assert [(event.subject, event.stages) for event in events if event.stages] == [
        ("1.2.0", ("Production", "Archived")),
        ("1.3.0", ("Staging", "Production")),
    ]


def test_changed_evidence_blocks_the_approval_and_names_what_changed(client, engineer):
    set_rules()
    version = make_version()
    request = promotion.open_for(version, "Staging", user=engineer)
    ModelVersion.objects.filter(pk=version.pk).update(manifest_digest="f" * 64)
    reviewer = client_of(make_user(Role.REVIEWER))
    page = reviewer.get(request.get_absolute_url()).content.decode()
    assert "Cannot be approved" in page
    assert "Since the evidence was taken these facts changed: artifacts." in page
    assert approve(reviewer, request).status_code == 409


def test_who_may_not_open_a_promotion_is_told_so_and_refused():
    version = make_version()
    viewer = client_of(make_user(Role.VIEWER))
    assert "Only these roles" in viewer.get(version.get_absolute_url()).content.decode()
    address = reverse("registry:open-promotion", args=["receipt-ocr", "1.0.0"])
    assert "Only these roles" in viewer.get(address + "?to=Staging").content.decode()
    assert viewer.post(address, {"to": "Staging"}).status_code == 403


def test_the_requester_withdraws_and_nobody_else_does(client, engineer):
    request = promotion.open_for(make_version(), "Staging", user=engineer)
    other = client_of(make_user(Role.ENGINEER))
    address = reverse("registry:withdraw", args=[request.pk])
    assert other.post(address).status_code == 403
    assert client.post(address).status_code == 302
    assert client.post(address).status_code == 409
