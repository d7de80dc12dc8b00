"""The home page, with the Django client."""

import pytest
from django.test import Client

from accounts.roles import Role
from registry import promotion
from tests.people import make_user
from tests.versions import make_version

pytestmark = pytest.mark.django_db


def _home(user):
    client = Client()
    client.force_login(user)
    return client.get("/").context["home"]


def test_a_long_list_is_cut_and_says_how_many_there_are_in_all():
    engineer, reviewer = make_user(Role.ENGINEER), make_user(Role.REVIEWER)
    for number in range(11):
        make_version("1.0.0", model=f"model-{number}", stage="Production")
        if number < 10:
            wanted = make_version("1.1.0", model=f"model-{number}")
            promotion.open_for(wanted, "Staging", user=engineer)
    theirs, mine = (_home(one) for one in (engineer, reviewer))
    assert (len(theirs.serving), theirs.serving_count) == (8, 11)
    assert (len(theirs.waiting), theirs.waiting_count, theirs.to_review_count) == (8, 10, 0)
    assert (len(mine.to_review), mine.to_review_count, mine.waiting_count) == (8, 10, 0)
