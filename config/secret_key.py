"""The key that signs sessions: given by the operator, or made once in embedded mode."""

import contextlib
import os
import secrets
import tempfile
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
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
            file.write(secrets.token_urlsafe(50))
        # Linking fails when the name exists: of two processes that start together one key wins, whole.
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
        Path(file.name).unlink()
    return path.read_text(encoding="ascii")
