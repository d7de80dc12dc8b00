"""Reading the list of files of a folder that DVC keeps: a small JSON object in the cache or the remote."""

from __future__ import annotations

import configparser
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests

from integrations.artifact_stores import S3Store
from integrations.errors import IntegrationError

MAX_BYTES = 20_000_000
MAX_FILES = 100_000
SUFFIX = ".dir"
_SECONDS = 15
_HASH = re.compile(r"[0-9a-f]{32}")
_MISSING = frozenset({403, 404, 410})

Entries = list[tuple[str, str]]


class TooLargeError(IntegrationError):
    """The list is longer than anybody reads."""


@dataclass(frozen=True)
class Place:
    """Where objects lie: a folder of this host, or the address of a remote."""

    name: str
    address: str

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes; None if it is not there."""
        scheme = urlsplit(self.address).scheme
        if scheme in ("http", "https"):
            return _over_http(f"{self.address.rstrip('/')}/{quote(path)}")
        if scheme == "s3":
            return _from_s3(self.address, path)
        if scheme in ("", "file") and urlsplit(self.address).path.startswith("/"):
            return _from_folder(Path(urlsplit(self.address).path) / path)
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


def read_listing(value: str, places: list[Place]) -> Entries:
    """Return path and hash of each file of the folder with hash ``value``, from the first place that has it.

    The object is taken only if it has the hash by which it is called. ``IntegrationError``: it is nowhere,
    a place cannot be reached, or what is there was altered.
    """
    plain = value.removesuffix(SUFFIX)
    if not value.endswith(SUFFIX) or not _HASH.fullmatch(plain):
        raise IntegrationError("It is not a folder that DVC lists.", permanent=True)
    troubles: list[IntegrationError] = []
    for place in places:
        try:
            content = _found(place, value)
        except TooLargeError:
            raise
        except IntegrationError as error:
            troubles.append(error)
            continue
        if content is not None:
            return list(_checked(content, plain, place))
    if troubles:
        raise troubles[-1]
    names = ", ".join(place.name for place in places)
    raise IntegrationError(f"The list of files is in none of these places: {names}.", permanent=True)


def _found(place: Place, value: str) -> bytes | None:
    # As DVC 3 keeps objects, and as earlier ones did.
    for folder in ("files/md5/", ""):
        content = place.read(f"{folder}{value[:2]}/{value[2:]}")
        if content is not None:
            return content
    return None


def _checked(content: bytes, plain: str, place: Place) -> Iterator[tuple[str, str]]:
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != plain:
        raise IntegrationError(
            f"The list of files in the {place.name} was altered: it has not the hash {plain}.", permanent=True
        )
    try:
        items = json.loads(content)
        if len(items) > MAX_FILES:
            raise TooLargeError(f"The folder has more than {MAX_FILES} files.", permanent=True)
        yield from ((str(item["relpath"]), str(item["md5"])) for item in items)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise IntegrationError("The list of files cannot be read.", permanent=True) from None


def _from_folder(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLargeError(f"The list of files has more than {MAX_BYTES} bytes.", permanent=True)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise IntegrationError(
            f"The folder cannot be read ({type(error).__name__}).", permanent=False
        ) from None


def _over_http(address: str) -> bytes | None:
    try:
        with requests.get(address, timeout=_SECONDS, stream=True, allow_redirects=False) as answer:
            if answer.status_code in _MISSING:
                return None
            if answer.status_code != requests.codes.ok:
                raise IntegrationError(f"The remote answered {answer.status_code}.", permanent=False)
            return _limited(answer.iter_content(65_536))
    except requests.RequestException as error:
        message = f"The remote cannot be reached ({type(error).__name__})."
        raise IntegrationError(message, permanent=False) from None


def _from_s3(address: str, path: str) -> bytes | None:
    parts = urlsplit(address)
    try:
        return _limited(S3Store(parts.netloc, parts.path.strip("/")).stream(path))
    except IntegrationError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _limited(chunks: Iterator[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise TooLargeError(f"The list of files has more than {MAX_BYTES} bytes.", permanent=True)
    return bytes(content)
