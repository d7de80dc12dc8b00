"""An engineer, and the client they are signed in with."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from tests.people import client_of, make_user


@pytest.fixture
def engineer() -> User:
    """Somebody who may register and promote."""
    return make_user(Role.ENGINEER)


@pytest.fixture
def client(engineer: User) -> Client:
    """What the engineer looks with."""
    return client_of(engineer)
