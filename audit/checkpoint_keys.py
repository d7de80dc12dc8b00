"""The key that signs checkpoints: made once, readable by its owner only, and replaced by handing over.

The private key is a PEM file (`settings.CHECKPOINT_KEY`). The public keys stand beside the checkpoints, the
newest last, so that the folder of the checkpoints is all that an auditor has to copy.
"""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_NEXT = ".next"


class KeyFileError(Exception):
    """The private key cannot be used; the message says why."""


def load(path: Path) -> Ed25519PrivateKey:
    """Return the private key in `path`.

    Raises:
        KeyFileError: there is none, others may read it, or it is not an Ed25519 key.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise KeyFileError(f"Others may read the checkpoint key. Run: chmod 600 {path.name}")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"The checkpoint key cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("The checkpoint key is not an Ed25519 key.")
    return key


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """Return the private key in `path`, made on the first call, whoever calls at the same time.

    Raises:
        KeyFileError: see `load`.
        OSError: it cannot be written.
    """
    if not path.exists():
        _write_new(path, Ed25519PrivateKey.generate())
    return load(path)


def prepare_next(path: Path) -> Ed25519PrivateKey:
    """Return a new key, kept beside the one in `path` until `take_next` puts it in its place.

    Raises:
        OSError: it cannot be written.
    """
    path.with_name(path.name + _NEXT).unlink(missing_ok=True)
    key = Ed25519PrivateKey.generate()
    _write_new(path.with_name(path.name + _NEXT), key)
    return key


def next_public(path: Path) -> Ed25519PublicKey | None:
    """Return the public half of a key that waits to take over, None where none does."""
    waiting = path.with_name(path.name + _NEXT)
    return load(waiting).public_key() if waiting.exists() else None


def take_next(path: Path) -> None:
    """Put the key that waits into the place of the one in `path`, which is gone then.

    Raises:
        OSError: no key waits, or it cannot be moved.
    """
    path.with_name(path.name + _NEXT).replace(path)


def public_pem(key: Ed25519PublicKey) -> str:
    """Return a public key as PEM text."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _write_new(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key; where one is there already, that one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A temporary file is its owner's alone from the start. Linking fails when the name exists: of two
    # processes that begin together one key wins, whole.
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(file.name, path)
    Path(file.name).unlink()
