"""Reading small objects that DVC keeps, by hash, from the places where they may lie: a cache, a remote."""

from __future__ import annotations

import configparser
import hashlib
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests

from integrations import outside_hosts
from integrations.artifact_stores import S3Store
from integrations.errors import IntegrationError

HASH = re.compile(r"[0-9a-f]{32}")
_SECONDS = 60.0  # for one object
_MISSING = frozenset({403, 404, 410})


class TooLargeError(IntegrationError):
    """The object has more bytes than anybody reads."""


class AlteredError(IntegrationError):
    """What is there has not the hash by which it is called."""


@dataclass(frozen=True)
class Place:
    """Where objects lie: a folder of this host, or the address of a remote.

    One that could not be used for the moment is not asked again, but says so for each object.

    :ivar allowed: hosts that may be asked though not public, see `integrations.outside_hosts`
    :ivar refusal: why nothing is read there; empty: it is
    """

    name: str
    address: str
    allowed: tuple[str, ...] = ()
    refusal: str = ""
    _troubles: list[IntegrationError] = field(default_factory=list, init=False, repr=False, compare=False)

    def read(self, path: str, max_bytes: int) -> bytes | None:
        """Return an object's bytes; None if it is not there."""
        if self._troubles:
            raise self._troubles[0]
        try:
            return self._read(path, max_bytes)
        except IntegrationError as error:
            if not error.permanent:
                self._troubles.append(error)
            raise

    def _read(self, path: str, max_bytes: int) -> bytes | None:
        if self.refusal:
            raise IntegrationError(self.refusal, permanent=True)
        scheme = urlsplit(self.address).scheme
        if scheme in ("http", "https"):
            return _over_http(f"{self.address.rstrip('/')}/{quote(path)}", self.allowed, max_bytes)
        if scheme == "s3":
            return _from_s3(self.address, path, max_bytes)
        if scheme in ("", "file") and urlsplit(self.address).path.startswith("/"):
            return _from_folder(Path(urlsplit(self.address).path) / path, max_bytes)
        raise IntegrationError(
            f"Remotes of the kind {scheme or 'relative path'!r} are not read.", permanent=True
        )


def default_remote(config: str) -> str:
    """Return the address of the default remote that a ``.dvc/config`` names; empty if there is none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(config)
    except configparser.Error:
        return ""
    name = parser.get("core", "remote", fallback="").strip("\"'")
    for section in (f'remote "{name}"', f"'remote \"{name}\"'"):
        if name and parser.has_option(section, "url"):
            return parser.get(section, "url").strip("\"'")
    return ""


def find(value: str, places: Sequence[Place], max_bytes: int) -> tuple[bytes, Place] | None:
    """Return the bytes called by the hash ``value``, unchecked, and the first place that has them.

    None: they are nowhere. ``IntegrationError``: there is more, or a place cannot be reached and no other has
    them.
    """
    troubles: list[IntegrationError] = []
    for place in places:
        try:
            content = _found(place, value, max_bytes)
        except TooLargeError:
            raise
        except IntegrationError as error:
            troubles.append(error)
            continue
        if content is not None:
            return content, place
    if troubles:
        raise troubles[-1]
    return None


def read_object(value: str, places: Sequence[Place], max_bytes: int) -> bytes:
    """Return the bytes of the file with hash ``value``, from the first place that has it.

    They are taken only if they have that hash: as they are or, as DVC 2 and older hashed text, with the ends
    of lines of Unix. ``IntegrationError``: as ``find`` has it, or they are nowhere, or were altered.
    """
    if not HASH.fullmatch(value):
        raise IntegrationError("It is not a file that DVC keeps by its hash.", permanent=True)
    found = find(value, places, max_bytes)
    if found is None:
        names = ", ".join(place.name for place in places)
        raise IntegrationError(f"It is in none of these places: {names}.", permanent=True)
    content, place = found
    if value not in (md5(content), md5(content.replace(b"\r\n", b"\n"))):
        raise AlteredError(
            f"What the {place.name} has was altered: it has not the hash {value}.", permanent=True
        )
    return content


def md5(content: bytes) -> str:
    """Return the hash by which DVC calls a content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _found(place: Place, value: str, max_bytes: int) -> bytes | None:
    # As DVC 3 keeps objects, and as earlier ones did.
    for folder in ("files/md5/", ""):
        content = place.read(f"{folder}{value[:2]}/{value[2:]}", max_bytes)
        if content is not None:
            return content
    return None


def _from_folder(path: Path, max_bytes: int) -> bytes | None:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return None
        if facts.st_size > max_bytes:
            raise _too_large(max_bytes)
        with path.open("rb") as file:
            return _limited(iter([file.read(max_bytes + 1)]), max_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise IntegrationError(
            f"The folder cannot be read ({type(error).__name__}).", permanent=False
        ) from None


def _over_http(address: str, allowed: tuple[str, ...], max_bytes: int) -> bytes | None:
    with outside_hosts.opened(address, seconds=_SECONDS, allowed=allowed) as answer:
        if answer.status_code in _MISSING:
            return None
        if answer.status_code != requests.codes.ok:
            raise IntegrationError(f"The remote answered {answer.status_code}.", permanent=False)
        return _limited(answer.iter_content(65_536), max_bytes)


def _from_s3(address: str, path: str, max_bytes: int) -> bytes | None:
    parts = urlsplit(address)
    try:
        return _limited(S3Store(parts.netloc, parts.path.strip("/")).stream(path), max_bytes)
    except IntegrationError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _limited(chunks: Iterator[bytes], max_bytes: int) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(content)


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"It has more than {max_bytes} bytes.", permanent=True)
