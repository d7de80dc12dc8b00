"""Signing in and out."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import SignInBrake, User
from accounts.roles import Role
from audit import trail
from audit.events import Event
from audit.models import AuditEntry
from tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db

SIGN_IN = "/sign-in/"


@pytest.fixture
def clerk() -> User:
    return make_user(Role.ENGINEER, username="clerk")


def sign_in(client: Client, username: str = "clerk", password: str = PASSWORD, **more: str):
    return client.post(SIGN_IN, {"username": username, "password": password} | more)


def events() -> list[str]:
    return list(AuditEntry.objects.values_list("event", flat=True))


def test_a_stranger_signs_in_and_gets_where_they_wanted_to_go(client: Client, clerk: User) -> None:
    asked = client.get("/settings/")
    assert asked.status_code == 302
    assert asked.url == "/sign-in/?next=/settings/"
    page = client.get(asked.url)
    assert page.status_code == 200
    assert page.context["destination"] == "/settings/"
    assert sign_in(client, next="/settings/").url == "/settings/"
    assert client.get("/settings/").status_code == 200


def test_signing_in_is_recorded_with_the_person_and_the_address(client: Client, clerk: User) -> None:
    assert sign_in(client).url == reverse("home")
    entry = AuditEntry.objects.get()
    assert (entry.event, entry.actor_id, entry.actor_name) == ("session.signed_in", str(clerk.pk), "clerk")
    assert entry.data == {"address": "127.0.0.1"}


def test_a_planted_session_key_is_worth_nothing(client: Client, clerk: User) -> None:
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies["sessionid"] = planted.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != planted.session_key
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.parametrize(
    "next_page", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""]
)
def test_nobody_is_sent_to_another_site(client: Client, clerk: User, next_page: str) -> None:
    assert client.get(SIGN_IN, {"next": next_page}).context["destination"] == "/"
    assert sign_in(client, next=next_page).url == "/"


@pytest.mark.parametrize(
    ("username", "password"), [("clerk", "wrong"), ("nobody", PASSWORD), ("CLERK", PASSWORD)]
)
def test_a_wrong_name_and_a_wrong_password_read_the_same(
    client: Client, clerk: User, username: str, password: str
) -> None:
    answer = sign_in(client, username, password)
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == ["The name or the password is wrong."]
    assert not Session.objects.exists()
    assert events() == ["session.sign_in_failed"]


def test_somebody_who_is_switched_off_cannot_sign_in(client: Client, clerk: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client).status_code == 422


def test_somebody_who_is_switched_off_loses_the_session_they_have(client: Client, clerk: User) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    assert client.get("/settings/").status_code == 302


def test_a_failed_attempt_keeps_little_of_what_was_typed(client: Client, clerk: User) -> None:
    sign_in(client, "Correct-Horse-Battery")
    sign_in(client, "clerk", "wrong")
    unknown, known = AuditEntry.objects.all()
    assert (unknown.target_id, unknown.target_name) == ("unknown", "Cor…")
    assert "Horse" not in str(unknown.link())
    assert (known.target_id, known.target_name, known.actor_name) == (str(clerk.pk), "clerk", "anonymous")
    assert "wrong" not in str(known.data)


def test_guessing_is_slowed_down_and_not_for_ever(
    client: Client, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    for _ in range(5):
        sign_in(client, password="wrong")
    braked = sign_in(client)
    assert braked.status_code == 429
    assert braked["Retry-After"] == "2"
    assert "Too many attempts" in braked.content.decode()
    assert len(events()) == 5
    SignInBrake.objects.update(blocked_until=F("blocked_until") - timedelta(seconds=2))
    assert sign_in(client).status_code == 302
    assert not SignInBrake.objects.exists()


def test_an_empty_form_names_the_missing_fields(client: Client) -> None:
    answer = sign_in(client, "", "")
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"username", "password"}
    html = answer.content.decode()
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_username_error"' in html
    assert 'id="id_username_error"' in html


@pytest.mark.parametrize("name", ["a\x00b", "x" * 151])
def test_an_impossible_name_is_a_wrong_field_and_no_crash(client: Client, name: str) -> None:
    assert sign_in(client, name).status_code == 422


def test_without_the_anti_forgery_token_nobody_signs_in(clerk: User) -> None:
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


def test_the_sign_in_page_is_not_kept_by_the_browser(client: Client) -> None:
    assert "no-store" in client.get(SIGN_IN)["Cache-Control"]


def test_somebody_signed_in_is_sent_on(client: Client, clerk: User) -> None:
    client.force_login(clerk)
    assert client.get(SIGN_IN).url == "/"


def test_signing_out_ends_the_session_and_is_recorded(client: Client, clerk: User) -> None:
    sign_in(client)
    assert client.post("/sign-out/").url == SIGN_IN
    assert events() == ["session.signed_in", "session.signed_out"]
    assert AuditEntry.objects.last().actor_name == "clerk"
    assert client.get("/settings/").status_code == 302


def test_a_link_cannot_sign_anybody_out(client: Client, clerk: User) -> None:
    client.force_login(clerk)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/settings/").status_code == 200


def test_nobody_is_signed_in_where_the_trail_cannot_be_written(
    client: Client, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(event: Event, **_fields: object) -> None:
        raise OSError(event)

    monkeypatch.setattr(trail, "record", broken)
    with pytest.raises(OSError, match="signed_in"):
        sign_in(client)
    assert not Session.objects.exists()
    assert client.get("/settings/").status_code == 302


@pytest.mark.parametrize(("language", "browser"), [("ko", "en"), ("en", "ko")])
def test_pages_come_in_the_preferred_language_and_not_in_that_of_the_browser(
    client: Client, clerk: User, language: str, browser: str
) -> None:
    User.objects.update(language=language)
    client.force_login(clerk)
    page = client.get("/settings/", headers={"accept-language": browser})
    assert page["Content-Language"] == language
    assert f'<html lang="{language}"' in page.content.decode()


def test_without_a_preference_the_browser_decides(client: Client, clerk: User) -> None:
    client.force_login(clerk)
    assert client.get("/settings/", headers={"accept-language": "ko"})["Content-Language"] == "ko"
