"""Signed checkpoints, kept outside the database: who rewrites the trail there cannot rewrite these as well.

A checkpoint says how many entries the trail had, which hash the last of them had, and what the Merkle root
over the hashes since the checkpoint before is. New entries are verified before they are signed: what does not
go on from the last checkpoint never is. The trail in turn names every checkpoint by its digest, so that one
that disappears is missed.
"""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from audit import chain, checkpoint_files, checkpoint_keys, rows, trail, verifier
from audit.events import Event
from audit.merkle import Tree
from audit.models import AuditEntry

# Entries of one checkpoint at most: so many hashes are in memory at once, here and where proofs are made.
LONGEST = 10_000
_TARGET = trail.Target("audit", "trail", "audit trail")


class CheckpointError(Exception):
    """No checkpoint was made, because the trail or the files are not what they should be."""


def keep() -> None:
    """Make a checkpoint if anything was recorded since the last; the chore."""
    make()


def make(*, despite_loss: bool = False) -> verifier.Checkpoint | None:
    """Sign what was recorded since the last checkpoint; return the new one, None where nothing was.

    Call it outside of transactions: what is signed must be there to stay.

    Args:
        despite_loss: go on although checkpoints that the trail tells of are gone.

    Raises:
        CheckpointError: the new entries do not go on from the last checkpoint, or checkpoints are gone.
        checkpoint_keys.KeyFileError: the private key cannot be used.
        OSError: the files cannot be written.
    """
    with transaction.atomic(durable=True):
        head = AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    with checkpoint_files.locked():
        key, read = _open()
        _require_what_the_trail_tells_of(read, despite_loss=despite_loss)
        last = read.marks[-1] if read.marks else None
        if last and not AuditEntry.objects.filter(sequence=last.sequence, hash=last.hash).exists():
            raise CheckpointError(f"The trail no longer holds entry {last.sequence} as it was signed.")
        start = last.sequence if last else 0
        if not _has_news(start, head):
            return None
        digest = _sign_all(key, read, head)
    _record({"digest": digest, "sequence": head, "key": verifier.key_id(key.public_key())})
    return checkpoint_files.read().marks[-1]


def rotate() -> str:
    """Let a new key take over: the old one signs the new one's name, and is gone. Return the new key's id.

    Raises:
        CheckpointError: the checkpoints are not what was written.
        checkpoint_keys.KeyFileError: the private key cannot be used.
        OSError: the files cannot be written.
    """
    path = Path(settings.CHECKPOINT_KEY)
    with checkpoint_files.locked():
        key, read = _open()
        new = checkpoint_keys.prepare_next(path).public_key()
        body = {"kind": "key", "new_key": new.public_bytes_raw().hex()}
        digest = checkpoint_files.add(_signed(body, key, read.last_digest))
        _take_over(path)
    _record({"digest": digest, "new_key": verifier.key_id(new)})
    return verifier.key_id(new)


def _open() -> tuple[Ed25519PrivateKey, verifier.Checkpoints]:
    path = Path(settings.CHECKPOINT_KEY)
    waiting = checkpoint_keys.next_public(path)
    # The process that rotated the key died between the handing over and the taking over.
    if waiting and any(waiting.public_bytes_raw().hex() in line for line in checkpoint_files.lines()):
        _take_over(path)
    key = checkpoint_keys.load_or_make(path)
    checkpoint_files.add_public_key(checkpoint_keys.public_pem(key.public_key()))
    try:
        return key, checkpoint_files.read()
    except verifier.FaultError as fault:
        raise CheckpointError(f"The checkpoints are not what was written: {fault.reason}.") from fault


def _take_over(path: Path) -> None:
    waiting = checkpoint_keys.next_public(path)
    if waiting:
        checkpoint_files.add_public_key(checkpoint_keys.public_pem(waiting))
        checkpoint_keys.take_next(path)


def _require_what_the_trail_tells_of(read: verifier.Checkpoints, *, despite_loss: bool) -> None:
    newest = AuditEntry.objects.filter(event=Event.AUDIT_CHECKPOINTED).order_by("-sequence").first()
    if newest is None or despite_loss or newest.data.get("digest") in read.digests:
        return
    raise CheckpointError(
        f"A checkpoint that entry {newest.sequence} tells of is not in the folder of checkpoints. Either it"
        " was removed (bring it back from a copy), or several machines have a folder each: they have to share"
        " STAGEGATE_CHECKPOINT_DIR and STAGEGATE_CHECKPOINT_KEY."
    )


def _has_news(start: int, head: int) -> bool:
    new = AuditEntry.objects.filter(sequence__gt=start, sequence__lte=head)
    return new.exclude(event=Event.AUDIT_CHECKPOINTED).exists()


def _sign_all(key: Ed25519PrivateKey, read: verifier.Checkpoints, head: int) -> str:
    """Sign what comes after the last checkpoint up to entry `head`, in as many lines as it takes.

    Return the digest of the last line.
    """
    last = read.marks[-1] if read.marks else None
    walk = verifier.Walk(None, last.sequence, last.hash) if last else verifier.Walk()
    new, previous = rows.records(after=walk.sequence, until=head), read.last_digest
    while walk.sequence < head:
        first = walk.sequence + 1
        root = Tree(_verified(walk, new)).root
        body = {
            "kind": "checkpoint",
            "first": first,
            "sequence": walk.sequence,
            "count": walk.sequence,
            "hash": walk.hash,
            "root": root,
        }
        previous = checkpoint_files.add(_signed(body, key, previous))
    return previous


def _verified(walk: verifier.Walk, new: Any) -> list[str]:
    hashes = []
    try:
        for record in itertools.islice(new, LONGEST):
            walk.feed(record)
            hashes.append(walk.hash)
    except verifier.FaultError as fault:
        raise CheckpointError(f"Entry {fault.sequence} is not signed: {fault.reason}.") from fault
    if not hashes:
        raise CheckpointError(f"The trail ends after entry {walk.sequence} while it is being signed.")
    return hashes


def _signed(body: dict[str, Any], key: Ed25519PrivateKey, previous: str) -> dict[str, Any]:
    signer = verifier.key_id(key.public_key())
    line = body | {"at": chain.instant(datetime.now(UTC)), "previous": previous, "key": signer}
    return line | {"signature": key.sign(verifier.signed_text(line)).hex()}


def _record(data: dict[str, Any]) -> None:
    with transaction.atomic():
        trail.record(Event.AUDIT_CHECKPOINTED, actor=trail.SYSTEM, target=_TARGET, data=data)
