"""Listing all files below an artifact URI, as far as they go: a listing that somebody looks at.

Other than a manifest it does not fail because of one odd name or one file too many: it says what it left out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from integrations.artifact_stores import joined
from integrations.artifacts import Artifacts
from integrations.errors import IntegrationError

MAX_FILES = 10_000
MAX_FOLDERS = 2_000
MAX_PATH = 500
MAX_DEPTH = 30


@dataclass(frozen=True)
class ListedFile:
    """Path below the root, and size in bytes where the storage tells it."""

    path: str
    size: int | None


@dataclass(frozen=True)
class FileList:
    """The files below a URI, by folder from the top.

    :ivar left_out: entries that were seen and are not listed, since their names cannot be used
    :ivar complete: whether no limit ended the listing
    """

    files: tuple[ListedFile, ...]
    left_out: int
    complete: bool


def listing(artifacts: Artifacts, uri: str, *, max_files: int = MAX_FILES) -> FileList:
    """List at most `max_files` files below `uri`, those nearest to the top first.

    :raises IntegrationError: as `Artifacts.entries`
    """
    files: list[ListedFile] = []
    folders: deque[tuple[str, int]] = deque([("", 0)])
    left_out, complete = 0, True
    for _ in range(MAX_FOLDERS):
        if not folders:
            return FileList(tuple(files), left_out, complete)
        folder, depth = folders.popleft()
        for entry in artifacts.entries(uri, folder):
            path = _usable(folder, entry.name)
            if path is None:
                left_out += 1
            elif entry.is_dir and depth < MAX_DEPTH:
                folders.append((path, depth + 1))
            elif entry.is_dir:
                complete = False
            elif len(files) < max_files:
                files.append(ListedFile(path, entry.size))
            else:
                return FileList(tuple(files), left_out, complete=False)
    return FileList(tuple(files), left_out, complete=not folders and complete)


def head(artifacts: Artifacts, uri: str, path: str, limit: int) -> bytes | None:
    """Return the bytes of one file, or None if there are more than `limit` of them.

    :raises IntegrationError: as `Artifacts.stream`
    """
    parts: list[bytes] = []
    size = 0
    for chunk in artifacts.stream(uri, path):
        size += len(chunk)
        if size > limit:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _usable(folder: str, name: str) -> str | None:
    try:
        path = joined(folder, name)
    except IntegrationError:
        return None
    return path if name and "/" not in name and len(path) <= MAX_PATH else None
