"""The settings page: preferences, password, API tokens."""

import re

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from accounts.roles import Role
from accounts.tokens import create, find
from audit.models import AuditEntry
from tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another long password"


@pytest.fixture
def clerk(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="clerk")
    client.force_login(user)
    return user


def test_it_shows_who_one_is_and_what_one_has_chosen(client: Client, clerk: User) -> None:
    User.objects.update(theme="dark")
    page = client.get("/settings/")
    html = page.content.decode()
    assert "clerk" in html
    assert "engineer" in html
    assert re.search(r'<option value="dark"\s+selected', html)
    assert "no-store" in page["Cache-Control"]


def test_preferences_are_saved(client: Client, clerk: User) -> None:
    answer = client.post("/settings/", {"theme": "light", "density": "comfortable", "language": "ko"})
    assert answer.status_code == 302
    clerk.refresh_from_db()
    assert (clerk.theme, clerk.density, clerk.language, clerk.shortcuts) == (
        "light",
        "comfortable",
        "ko",
        False,
    )
    assert AuditEntry.objects.get().event == "user.preferences_changed"


def test_a_preference_that_does_not_exist_is_shown_at_its_field(client: Client, clerk: User) -> None:
    answer = client.post("/settings/", {"theme": "pink", "density": "compact"})
    assert answer.status_code == 422
    assert set(answer.context["preferences"].errors) == {"theme"}
    assert 'id="id_theme_error"' in answer.content.decode()
    assert not AuditEntry.objects.exists()


def test_a_new_token_is_shown_in_the_answer_and_never_again(client: Client, clerk: User) -> None:
    answer = client.post("/settings/tokens/", {"name": "ci", "days": "30"})
    plain = answer.context["plain"]
    assert plain in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    token = find(plain)
    assert token is not None
    assert token.user == clerk
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in (29, 30)
    again = client.get("/settings/").content.decode()
    assert plain not in again
    assert token.prefix in again


@pytest.mark.parametrize(
    ("form", "wrong"), [({"name": "", "days": "30"}, "name"), ({"name": "ci", "days": "100000"}, "days")]
)
def test_a_wrong_token_form_says_what_is_wrong(
    client: Client, clerk: User, form: dict[str, str], wrong: str
) -> None:
    answer = client.post("/settings/tokens/", form)
    assert answer.status_code == 422
    assert set(answer.context["token"].errors) == {wrong}
    assert not ApiToken.objects.exists()


def test_a_blank_name_of_a_token_is_refused(client: Client, clerk: User) -> None:
    assert client.post("/settings/tokens/", {"name": "   ", "days": "30"}).status_code == 422


def test_without_a_role_no_token_is_created(client: Client) -> None:
    client.force_login(make_user())
    assert client.post("/settings/tokens/", {"name": "ci", "days": "30"}).status_code == 403


def test_a_token_is_revoked(client: Client, clerk: User) -> None:
    token, plain = create(clerk, "ci")
    assert client.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 302
    assert find(plain) is None
    assert token.prefix not in client.get("/settings/").content.decode().replace(plain, "")


def test_the_token_of_somebody_else_does_not_exist(client: Client, clerk: User) -> None:
    token, plain = create(make_user(Role.ENGINEER), "ci")
    assert client.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    assert find(plain) is not None


def test_the_name_of_a_token_is_text_and_no_markup(client: Client, clerk: User) -> None:
    create(clerk, "<script>alert(1)</script>")
    assert "<script>alert" not in client.get("/settings/").content.decode()


def test_a_new_password_keeps_this_session_and_ends_the_others(client: Client, clerk: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(clerk)
    answer = client.post("/settings/password/", {"old": PASSWORD, "new": NEW_PASSWORD})
    assert answer.status_code == 302
    assert client.get("/settings/").status_code == 200
    assert elsewhere.get("/settings/").status_code == 302
    clerk.refresh_from_db()
    assert clerk.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [("guessed", NEW_PASSWORD, "old"), (PASSWORD, "short", "new"), (PASSWORD, "", "new")],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    client: Client, clerk: User, old: str, new: str, wrong: str
) -> None:
    answer = client.post("/settings/password/", {"old": old, "new": new})
    assert answer.status_code == 422
    assert set(answer.context["password"].errors) == {wrong}
    clerk.refresh_from_db()
    assert clerk.check_password(PASSWORD)


@pytest.mark.parametrize("address", ["password/", "tokens/", "tokens/1/revoke/"])
def test_a_link_changes_nothing(client: Client, clerk: User, address: str) -> None:
    assert client.get(f"/settings/{address}").status_code == 405


@pytest.mark.parametrize("address", ["/settings/", "/settings/password/", "/settings/tokens/"])
def test_strangers_are_asked_to_sign_in(client: Client, address: str) -> None:
    assert client.post(address, {}).url.startswith("/sign-in/")
