"""Addresses of the registry that lead nowhere, or not for whoever asks."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.pages import signed_in
from tests.people import client_of, make_user
from tests.versions import make_model, make_run, make_version

pytestmark = pytest.mark.django_db
engineer, client = signed_in.engineer, signed_in.client


def test_every_page_asks_a_stranger_to_sign_in():
    version = make_version()
    for address in (
        "/",
        reverse("registry:models"),
        version.get_absolute_url(),
        reverse("registry:promotions"),
    ):
        response = Client().get(address)
        assert response.status_code == 302
        assert response.url.startswith(reverse("accounts:sign-in"))


@pytest.mark.parametrize(
    "address", ["models/none/", "models/receipt-ocr/versions/9.9.9/", "promotions/999/", "register/"]
)
def test_what_does_not_exist_is_404(client, address):
    make_model()
    assert client.get(f"/{address}").status_code == 404


def test_somebody_without_a_role_sees_nothing_but_their_settings():
    nobody = client_of(make_user())
    version = make_version()
    run = make_run()
    names = [
        "home",
        "api-docs",
        "registry:models",
        "registry:promotions",
        "experiments:runs",
        "experiments:jobs",
    ]
    addresses = [reverse(name) for name in names]
    addresses += [version.get_absolute_url(), version.model.get_absolute_url(), run.get_absolute_url()]
    addresses += ["/api/v1/models/", "/api/v1/promotions/", "/api/v1/runs/", "/api/v1/jobs/"]
    assert {address: nobody.get(address).status_code for address in addresses} == dict.fromkeys(
        addresses, 403
    )
    assert nobody.get(reverse("accounts:settings")).status_code == 200
