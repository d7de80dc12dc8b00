"""The run form of a repository: how tests come to it, and what a browser would send of it."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from experiments.launch_fields import ParameterField
from experiments.models import Commit, Repository
from tests.jobs import make_commit, make_repository
from tests.people import make_user

PATH = "/repositories/receipt-ocr/run/"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def someone(client: Client) -> User:
    """An engineer, signed in."""
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


@pytest.fixture
def repository(someone: User) -> Repository:
    """A repository without a commit."""
    return make_repository()


@pytest.fixture
def commit(repository: Repository) -> Commit:
    """What its main branch points to."""
    return make_commit(repository, branch="main")


def fields(response: Any) -> dict[str, ParameterField]:
    """Return the fields of the form by the names of their parameters."""
    return {one.parameter.key: one for section in response.context["sections"] for one in section.fields}


def as_shown(response: Any) -> dict[str, str]:
    """Return what a browser would send of the form as it is: unlocked parameters and hidden fields."""
    sent = {f"params.{key}": one.value for key, one in fields(response).items() if not one.parameter.locked}
    page = response.content.decode().split("data-params>")[1]
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        if name != "csrfmiddlewaretoken":
            sent[html.unescape(name)] = html.unescape(value)
    return {**sent, "ref": response.context["form"]["ref"].value()}
