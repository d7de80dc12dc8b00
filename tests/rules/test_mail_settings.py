"""How e-mail leaves, as the environment says it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import mail_settings


def read(monkeypatch: pytest.MonkeyPatch, address: str) -> dict[str, object]:
    monkeypatch.setenv("STAGEGATE_EMAIL_URL", address)
    return mail_settings.read()


def test_without_an_address_mails_go_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "console" in str(read(monkeypatch, "")["EMAIL_BACKEND"])


@pytest.mark.parametrize(
    ("address", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+starttls://mail.example.org", 587, True, False),
        ("smtps://mail.example.org:4650", 4650, False, True),
    ],
)
def test_the_scheme_says_how_the_way_is_protected(
    monkeypatch: pytest.MonkeyPatch, address: str, port: int, tls: bool, ssl: bool
) -> None:
    found = read(monkeypatch, address)
    assert found["EMAIL_HOST"] == "mail.example.org"
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)


def test_user_and_password_may_have_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, "smtp://clerk%40example.org:p%2Fw@mail")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("clerk@example.org", "p/w")


@pytest.mark.parametrize("address", ["mailto:x", "http://mail", "smtp://", "smtp://mail:port"])
def test_what_cannot_be_meant_stops_the_start(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STAGEGATE_EMAIL_URL"):
        read(monkeypatch, address)
