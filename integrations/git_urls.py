"""Which addresses of Git repositories are accepted."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from urllib.parse import quote

from integrations.errors import IntegrationError
from integrations.git_commands import without_password

_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
SCP_STYLE = re.compile(r"(?:[\w.+-]+@)?\w[\w.-]*:\S+")


def checked_url(url: str, protocols: Collection[str]) -> str:
    """Return ``url`` if Git can be given it safely; permanent ``IntegrationError`` if not.

    Accepted are ``<protocol>://...`` for the given protocols, ``[user@]host:path`` if ``ssh`` is among them,
    and absolute paths of this host if ``file`` is. Refused is what Git would take for an option, a remote
    helper (``ext::``, which runs any command) or a path relative to whatever directory is current.
    """
    used = _protocol(url)
    if used is None:
        raise IntegrationError(
            f"{without_password(url)!r} is not an address of a repository.", permanent=True
        )
    if used not in protocols:
        raise IntegrationError(f"Repositories over {used!r} are not allowed here.", permanent=True)
    return url


def as_uri(url: str) -> str:
    """Return an address of a repository as a URI (RFC 3986); empty if it is none of those that Git takes.

    A path becomes ``file://...``, ``[user@]host:path`` becomes ``ssh://...``; what no URI may hold, such as a
    blank, is percent-encoded.
    """
    used = _protocol(url)
    if used is None:
        return ""
    if "://" in url:
        return quote(_BARE_PERCENT.sub("%25", url), safe="%:/?#[]@!$&'()*+,;=~")
    if used == "file":
        return f"file://{quote(url)}"
    host, _, path = url.partition(":")
    return f"ssh://{host}/{quote(path.lstrip('/'))}"


def _protocol(url: str) -> str | None:
    if not url or url.startswith("-") or not url.isprintable() or "::" in url.split("/")[0]:
        return None
    scheme, separator, rest = url.partition("://")
    if separator:
        if not rest or rest.startswith("-") or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
            return None
        return scheme
    if PurePosixPath(url).is_absolute():
        return "file"
    return "ssh" if SCP_STYLE.fullmatch(url) else None
