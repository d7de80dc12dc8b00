"""Signed statements of the product: with the key of the checkpoints, so that an auditor has one key to trust.

A statement is a JSON object in canonical form (RFC 8785) behind a line that says of which kind it is, so that
a signature of one kind is worth nothing for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import bundle_verifier, checkpoint_files, verifier


@dataclass(frozen=True)
class Signature:
    """Name of the key (see `verifier.key_id`) and the signature, 128 hex digits."""

    key: str
    signature: str


def sign(kind: str, body: Mapping[str, Any]) -> Signature:
    """Sign `body` as a statement of `kind`; the key is made on the first call.

    Raises:
        checkpoint_keys.KeyFileError: the private key cannot be used.
        OSError: it cannot be written.
        ValueError: `body` has no canonical form.
    """
    # Only where something is signed: the web process seldom does.
    from audit import checkpoint_keys

    key = checkpoint_keys.load_or_make(Path(settings.CHECKPOINT_KEY))
    public = key.public_key()
    with checkpoint_files.locked():
        checkpoint_files.add_public_key(checkpoint_keys.public_pem(public))
    return Signature(verifier.key_id(public), key.sign(bundle_verifier.statement_text(kind, body)).hex())


def can_sign() -> bool:
    """Say whether this process holds the key."""
    return Path(settings.CHECKPOINT_KEY).exists()


def is_signed(kind: str, body: Mapping[str, Any], key: str, signature: str) -> bool:
    """Say whether one of the public keys beside the checkpoints signed `body` as a statement of `kind`."""
    pem = checkpoint_files.public_keys()
    return bool(pem) and bundle_verifier.is_signed(kind, body, key, signature, verifier.read_keys(pem))
