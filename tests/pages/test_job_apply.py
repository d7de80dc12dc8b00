"""The form that has a result put onto a branch, with the Django client."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from experiments.launches import MAX_NOTE
from experiments.models import Job
from tests import experiment_calls
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("note", ["a" * (MAX_NOTE + 1), "a\0b"])
def test_a_message_that_is_none_is_refused_and_not_left_out(note):
    user = make_user(Role.ENGINEER)
    client = Client()
    client.force_login(user)
    (job,) = experiment_calls.result(user).arguments
    answer = client.post(reverse("experiments:job-apply", args=[job]), {"branch": "main", "note": note})
    assert answer.status_code == 422
    assert "note" in answer.context["form"].errors
    assert not Job.objects.filter(kind="apply_result").exists()
