"""Reading the list of files of a folder that DVC keeps: a small JSON object in the cache or the remote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from integrations.dvc_objects import HASH, AlteredError, Place, TooLargeError, find, md5
from integrations.errors import IntegrationError

MAX_BYTES = 20_000_000
MAX_FILES = 100_000
SUFFIX = ".dir"

Entries = list[tuple[str, str]]


def read_listing(value: str, places: Sequence[Place], max_bytes: int = MAX_BYTES) -> Entries:
    """Return path and hash of each file of the folder with hash ``value``, from the first place that has it.

    The object is taken only if it has the hash by which it is called. ``IntegrationError``: it is nowhere,
    a place cannot be reached, or what is there was altered.
    """
    plain = value.removesuffix(SUFFIX)
    if not value.endswith(SUFFIX) or not HASH.fullmatch(plain):
        raise IntegrationError("It is not a folder that DVC lists.", permanent=True)
    found = find(value, places, max_bytes)
    if found is None:
        names = ", ".join(place.name for place in places)
        raise IntegrationError(f"The list of files is in none of these places: {names}.", permanent=True)
    return list(_checked(*found, plain))


def _checked(content: bytes, place: Place, plain: str) -> Iterator[tuple[str, str]]:
    if md5(content) != plain:
        raise AlteredError(
            f"The list of files in the {place.name} was altered: it has not the hash {plain}.", permanent=True
        )
    try:
        items = json.loads(content)
        if len(items) > MAX_FILES:
            raise TooLargeError(f"The folder has more than {MAX_FILES} files.", permanent=True)
        yield from ((str(item["relpath"]), str(item["md5"])) for item in items)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise IntegrationError("The list of files cannot be read.", permanent=True) from None
