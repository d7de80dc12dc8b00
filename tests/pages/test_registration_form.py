"""The form that registers a run, and who is offered it."""

import pytest
from django.urls import reverse

from accounts.roles import Role
from experiments.models import Job
from tests.pages import signed_in
from tests.people import client_of, make_user
from tests.versions import make_run, make_version

pytestmark = pytest.mark.django_db
engineer, client = signed_in.engineer, signed_in.client


def test_a_run_is_registered_from_the_form(client):
    run = make_run()
    form = client.get(reverse("registry:register") + f"?run={run.run_id}")
    assert str(form.context["proposal"].version) == "1.0.0"
    response = client.post(
        reverse("registry:register") + f"?run={run.run_id}",
        {"model": "receipt-ocr", "version": "", "reason": ""},
    )
    job = Job.objects.get(kind="register")
    assert response.status_code == 302
    assert response.url == job.get_absolute_url()


def test_a_wrong_version_comes_back_with_what_was_typed(client):
    run = make_run()
    response = client.post(
        reverse("registry:register") + f"?run={run.run_id}",
        {"model": "receipt-ocr", "version": "01.0.0", "reason": "because of it"},
    )
    assert response.status_code == 422
    assert "version" in response.context["form"].errors
    assert "because of it" in response.content.decode()
    assert not Job.objects.exists()


def test_the_proposal_follows_the_model_that_is_typed(client):
    make_version("4.0.0", model="other")
    run = make_run()
    address = reverse("registry:register") + f"?run={run.run_id}&model=other"
    page = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert "4" in page


def test_the_run_offers_registration_only_to_those_who_may():
    run = make_run()
    viewer = client_of(make_user(Role.VIEWER))
    page = viewer.get(reverse("registry:run-versions", args=[run.run_id])).content.decode()
    assert "Only these roles" in page
    assert reverse("registry:register") not in page


def test_a_model_name_with_nul_is_refused_in_the_form(client):
    address = reverse("registry:register") + f"?run={make_run().run_id}"
    assert client.post(address, {"model": "a\0b"}).status_code == 422
