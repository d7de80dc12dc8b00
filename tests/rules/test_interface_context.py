"""What every template knows about the reader, without a query."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from accounts.models import User
from config import context


def known(*, cookie: str = "", **preferences: Any) -> dict[str, Any]:
    """Return the variables for a person with these preferences, or for nobody."""
    request = RequestFactory().get("/")
    request.user = User(username="someone", **preferences) if preferences else AnonymousUser()
    request._permissions = frozenset()  # type: ignore[attr-defined]  # a view reads them before
    if cookie:
        request.COOKIES[context.THEME_COOKIE] = cookie
    return context.interface(request)


def test_a_person_who_has_not_signed_in_gets_the_defaults() -> None:
    variables = known()
    assert (variables["theme"], variables["density"], variables["shortcuts"]) == ("auto", "compact", True)
    assert not variables["navigation"]


def test_a_request_without_a_user_fails_nowhere() -> None:
    assert context.interface(RequestFactory().get("/"))["theme"] == "auto"


def test_preferences_are_followed() -> None:
    variables = known(theme="dark", density="comfortable", shortcuts=False)
    assert (variables["theme"], variables["density"], variables["shortcuts"]) == (
        "dark",
        "comfortable",
        False,
    )
    assert variables["navigation"]


@pytest.mark.parametrize(
    ("cookie", "saved", "theme"),
    [
        ("dark.auto", "auto", "dark"),
        ("dark.auto", "light", "light"),
        ("auto.dark", "dark", "auto"),
        ("dark", "auto", "auto"),
        ('"><script>.auto', "auto", "auto"),
    ],
)
def test_the_button_overrides_the_preference_until_that_changes(cookie: str, saved: str, theme: str) -> None:
    assert known(cookie=cookie, theme=saved)["theme"] == theme
