"""System checks: a wrong set-up is named with an id and a way out before anything starts."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name

_SHORTEST_KEY = 32


@register()
def programs(**_: Any) -> Sequence[CheckMessage]:
    """Git is needed by every worker."""
    if shutil.which("git"):
        return []
    return [Error("git was not found.", hint="Install git and make sure it is on PATH.", id="stagegate.E001")]


@register()
def secret_key(**_: Any) -> Sequence[CheckMessage]:
    """A short key could be guessed, and with it every session be forged."""
    if len(settings.SECRET_KEY) >= _SHORTEST_KEY:
        return []
    hint = f"Set STAGEGATE_SECRET_KEY to at least {_SHORTEST_KEY} random characters."
    return [Error("The secret key is too short.", hint=hint, id="stagegate.E002")]


@register()
def data_folder(**_: Any) -> Sequence[CheckMessage]:
    """Mirrors, caches and logs are written below the data folder."""
    folder: Path = settings.DATA_DIR
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        probe = existing / ".stagegate-write-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        hint = "Make it writable, or name another folder with STAGEGATE_DATA_DIR."
        return [Error(f"{existing} cannot be written: {error.strerror}.", hint=hint, id="stagegate.E003")]
    return []


@register()
def static_files(**_: Any) -> Sequence[CheckMessage]:
    """Without the hashed files every page would fail."""
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return []
    return [Warning("The static files are not built.", hint="Run: make static", id="stagegate.W001")]


@register(deploy=True)
def debug(**_: Any) -> Sequence[CheckMessage]:
    """DEBUG shows settings and source to everybody who causes an error."""
    if not settings.DEBUG:
        return []
    return [Error("STAGEGATE_DEBUG is on.", hint="Unset it outside development.", id="stagegate.E004")]


@register(deploy=True)
def https(**_: Any) -> Sequence[CheckMessage]:
    """Cookies without TLS can be read on the way."""
    if settings.HTTPS:
        return []
    hint = "Put a TLS proxy in front and set STAGEGATE_HTTPS=1 and STAGEGATE_TRUSTED_ORIGINS."
    return [Warning("STAGEGATE_HTTPS is off.", hint=hint, id="stagegate.W002")]
