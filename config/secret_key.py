"""The key that signs sessions: given by the operator, or made once in embedded mode."""

import os
import secrets
from pathlib import Path

from config import environment

_VARIABLE = "STAGEGATE_SECRET_KEY"


def read(data_dir: Path, *, embedded: bool) -> str:
    """Return the secret key.

    :param data_dir: folder that holds the generated key in embedded mode
    :param embedded: whether everything runs on this machine; otherwise the variable is required, since
        several machines must share one key
    """
    if not embedded:
        return environment.text(_VARIABLE)
    return environment.text(_VARIABLE, "") or _made_once(data_dir / "secret_key")


def _made_once(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive creation: of two processes that start together one writes, the other reads.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    key = secrets.token_urlsafe(50)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key)
    return key
