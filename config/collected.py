"""Whether the static files must be collected again: hashing and compressing them takes most of a minute."""

import hashlib
import os
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

# Parts of packages that no page loads, and our sources, which are served as the bundles made from them.
NOT_SERVED = ["*.map", "rest_framework/*", "css/*", "js/*", "htmax-*", "htmx-4*", "django_htmx/ext/*"]

_STAMP = ".collected"


def fingerprint() -> str:
    """Return a digest over the name, size and time of every static file, and over how they are stored."""
    state = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list(NOT_SERVED), key=lambda found: found[0]):
            status = os.stat(storage.path(path))  # noqa: PTH116 - a storage gives plain text
            state.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return state.hexdigest()


def is_current(state: str) -> bool:
    """Say whether STATIC_ROOT was made from the static files in this state."""
    stamp = Path(settings.STATIC_ROOT) / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == state


def mark(state: str) -> None:
    """Note that STATIC_ROOT was made from the static files in this state."""
    (Path(settings.STATIC_ROOT) / _STAMP).write_text(state, encoding="ascii")
