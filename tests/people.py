"""Factories of people and their clients for tests."""

from itertools import count

from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from accounts.roles import Role

PASSWORD = "a long enough password"
_numbers = count(1)


def make_user(*roles: Role, username: str = "", password: str = PASSWORD) -> User:
    """Create a person with `roles`, without a trace in the trail."""
    user = User.objects.create_user(username or f"person-{next(_numbers)}", password=password)
    user.groups.set([Group.objects.get_or_create(name=role.value)[0] for role in roles])
    return user


def client_of(user: User) -> Client:
    """Return a client that `user` is signed in with."""
    client = Client()
    client.force_login(user)
    return client
