"""The files of the checkpoints: `checkpoints.jsonl`, which only ever grows, and `public_key.pem`."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import canonical_json, verifier

LINES = "checkpoints.jsonl"
PUBLIC_KEY = "public_key.pem"


def folder() -> Path:
    """Return the folder of the checkpoints."""
    return Path(settings.CHECKPOINT_DIR)


@contextmanager
def locked() -> Iterator[None]:
    """Keep other processes from adding lines, and make the folder where it is missing."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _cut_torn_line(folder() / LINES)
        yield


def public_keys() -> str:
    """Return the PEM text of the public keys, empty where no key was made yet."""
    path = folder() / PUBLIC_KEY
    return path.read_text(encoding="ascii") if path.exists() else ""


def add_public_key(pem: str) -> None:
    """Add a public key to the file, unless it is there; call it under the lock."""
    if pem not in public_keys():
        _append(folder() / PUBLIC_KEY, pem.encode("ascii"))


def lines() -> list[str]:
    """Return the lines of all checkpoints, the oldest first; none where there are none."""
    path = folder() / LINES
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def read(pem: str = "") -> verifier.Checkpoints:
    """Return what the checkpoints say.

    Args:
        pem: the public keys to trust; those beside the checkpoints if empty.

    Raises:
        verifier.FaultError: a line is not what was written, or no key is there to trust.
    """
    found = lines()
    trusted = pem or public_keys()
    if not found:
        return verifier.Checkpoints()
    try:
        return verifier.read_checkpoints(found, verifier.read_keys(trusted))
    except ValueError as error:
        raise verifier.FaultError("checkpoint", f"there is no public key to trust: {error}") from error


def add(line: Mapping[str, Any]) -> str:
    """Add a signed line so that it survives a crash; return its digest. Call it under the lock."""
    _append(folder() / LINES, canonical_json.canonical(line).encode() + b"\n")
    return verifier.line_digest(line)


def _append(path: Path, content: bytes) -> None:
    new = not path.exists()
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if new:
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cut_torn_line(path: Path) -> None:
    """Remove what a crash left of a line: nobody was ever told that it was there."""
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
