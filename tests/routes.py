"""Every address of the product, and which of them take what changes something."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from accounts.models import User

METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Address:
    """One pattern: its name with its namespace (empty if it has none), its text, and an address that fits."""

    name: str
    pattern: str
    example: str


def addresses() -> list[Address]:
    """Return every address of the product."""
    return list(_walk(get_resolver(), "", ""))


def taking(user: User, method: str) -> list[Address]:
    """Return the addresses that do not refuse `method` outright when `user` asks.

    They are asked, with nothing to work on: what an address takes is decided in several places.
    """
    client = Client(raise_request_exception=False)
    found = []
    for address in addresses():
        if not client.session.get(SESSION_KEY):  # the one that signs out was among them
            client.force_login(user)
        if client.generic(method, address.example).status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            found.append(address)
    return found


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, text, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name}" if entry.name else ""
            yield Address(name, text, _example(entry, prefix))


def _example(entry: URLPattern, prefix: str) -> str:
    if not isinstance(entry.pattern, RoutePattern):
        return f"/{prefix}{_EXAMPLES[str(entry.pattern)]}"
    text = f"/{prefix}{entry.pattern}"
    for name, converter in entry.pattern.converters.items():
        kind = next(key for key, known in _VALUES if known in type(converter).__name__.lower())
        text = text.replace(f"<{kind}:{name}>", "0" if kind == "int" else "none")
    return text


# Converters by a part of their class's name.
_VALUES = (("int", "int"), ("str", "string"), ("slug", "slug"), ("path", "path"), ("uuid", "uuid"))
# What fits a regular expression.
_EXAMPLES = {r"^audit/export\.(?P<form>jsonl|csv|bundle)$": "audit/export.csv"}
