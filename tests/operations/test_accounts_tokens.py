"""API tokens: made, found, used, revoked."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from accounts import tokens
from accounts.authentication import TokenAuthentication
from accounts.models import ApiToken, User
from accounts.roles import Role
from audit.models import AuditEntry
from tests.people import make_user

pytestmark = pytest.mark.django_db


def authenticate(header: str) -> Any:
    return TokenAuthentication().authenticate(APIRequestFactory().get("/", headers={"authorization": header}))


def test_a_token_is_shown_once_and_only_its_digest_is_kept() -> None:
    user = make_user(Role.ENGINEER, username="clerk")
    token, plain = tokens.create(user, " nightly training ")
    assert len(plain) >= 40
    assert token.name == "nightly training"
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert plain.startswith(row["prefix"])
    assert plain not in str(row)
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.target_name) == ("token.created", "clerk: nightly training")
    assert plain not in str(entry.link())


def test_a_client_with_a_token_is_its_owner() -> None:
    user = make_user(Role.ENGINEER)
    token, plain = tokens.create(user, "ci", timezone.now() + timedelta(days=1))
    assert authenticate(f"Token {plain}") == (user, token)


def test_without_the_header_somebody_else_may_authenticate() -> None:
    assert authenticate("") is None
    assert authenticate("Basic eDp5") is None


def test_two_tokens_differ() -> None:
    user = make_user(Role.ENGINEER)
    assert tokens.create(user, "a")[1] != tokens.create(user, "a")[1]


def revoke(token: ApiToken) -> None:
    tokens.revoke(token, by=token.user)


def expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def switch_off(token: ApiToken) -> None:
    User.objects.filter(pk=token.user_id).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, expire, switch_off])
def test_a_dead_token_opens_nothing(end: Any) -> None:
    token, plain = tokens.create(make_user(Role.ENGINEER), "ci")
    assert tokens.find(plain) == token
    end(token)
    assert tokens.find(plain) is None
    with pytest.raises(AuthenticationFailed):
        authenticate(f"Token {plain}")


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token stg_", "Token ÿ", "Token a\x00b"])
def test_nonsense_opens_nothing(header: str) -> None:
    tokens.create(make_user(Role.ENGINEER), "ci")
    with pytest.raises(AuthenticationFailed):
        authenticate(header)


def test_the_digest_of_a_token_does_not_open_anything() -> None:
    token, _ = tokens.create(make_user(Role.ENGINEER), "ci")
    assert tokens.find(token.digest) is None


def test_the_last_use_is_noted_at_most_once_a_minute(django_assert_num_queries: Any) -> None:
    token, plain = tokens.create(make_user(Role.ENGINEER), "ci")
    authenticate(f"Token {plain}")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    with django_assert_num_queries(1):  # it finds the token and writes nothing
        authenticate(f"Token {plain}")
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    authenticate(f"Token {plain}")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first


def test_a_token_is_revoked_once() -> None:
    token, _ = tokens.create(make_user(Role.ENGINEER), "ci")
    tokens.revoke(token, by=token.user)
    when = token.revoked_at
    tokens.revoke(token, by=token.user)
    assert token.revoked_at == when
    assert AuditEntry.objects.filter(event="token.revoked").count() == 1


def test_only_the_owner_or_an_administrator_revokes_a_token() -> None:
    token, _ = tokens.create(make_user(Role.ENGINEER), "ci")
    with pytest.raises(PermissionDenied):
        tokens.revoke(token, by=make_user(Role.ENGINEER))
    token.refresh_from_db()
    assert token.revoked_at is None
    tokens.revoke(token, by=make_user(Role.ADMINISTRATOR))
    assert token.revoked_at is not None


def test_without_a_role_nobody_creates_tokens() -> None:
    with pytest.raises(PermissionDenied):
        tokens.create(make_user(), "ci")


@pytest.mark.parametrize(("name", "lives"), [("", 1), ("  ", 1), ("x" * 101, 1), ("ci", -1)])
def test_a_token_needs_a_name_and_a_future(name: str, lives: int) -> None:
    with pytest.raises(ValidationError):
        tokens.create(make_user(Role.ENGINEER), name, timezone.now() + timedelta(days=lives))
    assert not ApiToken.objects.exists()
    assert not AuditEntry.objects.exists()
