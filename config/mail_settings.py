"""How e-mail leaves: one URL in the environment."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import environment

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_BACKENDS = "django.core.mail.backends"
#: Seconds that a mail server may take for one answer.
TIMEOUT = 5


def read() -> dict[str, Any]:
    """Return Django's e-mail settings from `STAGEGATE_EMAIL_URL`.

    ``console://`` (the default) writes mails to the worker's log, ``smtp://user:password@host:port`` sends
    them in the clear, ``smtp+starttls://`` and ``smtps://`` encrypted.

    :raises ImproperlyConfigured: another scheme, or no host
    """
    address = environment.url("STAGEGATE_EMAIL_URL", default="console://", schemes=["console", *_PORTS])
    parts = urlsplit(address)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"STAGEGATE_EMAIL_URL cannot be read: {error}") from error
    if not host:
        raise ImproperlyConfigured("STAGEGATE_EMAIL_URL names no host.")
    return {
        "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }
