"""Asking for the mirror to be brought up to date at once."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from experiments.models import Job
from tests.people import make_user

pytestmark = pytest.mark.django_db


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def test_an_engineer_asks_once_however_often_they_click():
    engineer = signed_in(Role.ENGINEER)
    assert "Mirror now" in engineer.get(reverse("experiments:runs")).content.decode()
    first = engineer.post(reverse("experiments:sync"))
    second = engineer.post(reverse("experiments:sync"))
    job = Job.objects.get(kind="sync")
    assert first.url == second.url == job.get_absolute_url()


def test_a_viewer_is_not_offered_it_and_cannot_do_it():
    viewer = signed_in(Role.VIEWER)
    assert "Mirror now" not in viewer.get(reverse("experiments:runs")).content.decode()
    assert viewer.post(reverse("experiments:sync")).status_code == 403
    assert not Job.objects.exists()


def test_a_refusal_says_which_roles_may():
    page = signed_in(Role.VIEWER).post(reverse("experiments:sync"))
    assert "Only these roles may start jobs: engineer, administrator." in page.content.decode()
