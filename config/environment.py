"""Strict readers of environment variables: a wrong value stops the start with one clear line."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str | None = None) -> str:
    """Return variable `name`; without a default, an absent or empty variable is an error."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} must be set.")
    return default


def flag(name: str, *, default: bool) -> bool:
    """Return variable `name` as a boolean (1/0, true/false, yes/no, on/off)."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be one of 1/0, true/false, yes/no, on/off, not {value!r}.")


def integer(name: str, *, default: int, low: int, high: int) -> int:
    """Return variable `name` as a whole number between `low` and `high`, both included."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.removeprefix("-").isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    number = int(value)
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name} must be between {low} and {high}, not {number}.")
    return number


def items(name: str, *, default: Iterable[str]) -> list[str]:
    """Return variable `name` as a list of comma-separated, non-empty items."""
    value = os.environ.get(name, "")
    return [item.strip() for item in value.split(",") if item.strip()] or list(default)


def folder(name: str, *, default: Path) -> Path:
    """Return variable `name` as an absolute folder path; it need not exist yet, but may not be a file."""
    value = os.environ.get(name, "").strip()
    path = Path(value).expanduser().absolute() if value else default
    if path.exists() and not path.is_dir():
        raise ImproperlyConfigured(f"{name} must name a folder, and {path} is a file.")
    return path


def file(name: str, *, default: Path) -> Path:
    """Return variable `name` as an absolute file path; it need not exist yet, but may not be a folder."""
    value = os.environ.get(name, "").strip()
    path = Path(value).expanduser().absolute() if value else default
    if path.is_dir():
        raise ImproperlyConfigured(f"{name} must name a file, and {path} is a folder.")
    return path


def url(name: str, *, default: str, schemes: Iterable[str]) -> str:
    """Return variable `name` as a URL whose scheme is one of `schemes`."""
    value = text(name, default)
    allowed = sorted(schemes)
    if value.split("://", 1)[0] not in allowed or "://" not in value:
        raise ImproperlyConfigured(f"{name} must be a URL starting with one of {', '.join(allowed)}.")
    return value


def optional_url(name: str, *, schemes: Iterable[str]) -> str:
    """Return variable `name` as a URL without a slash at its end, or empty where it is not set."""
    return url(name, default="", schemes=schemes).rstrip("/") if text(name, "") else ""


def without_credentials(address: str) -> str:
    """Return a URL without user name and password, fit to be shown."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
