"""Verifies the trail bit by bit, over and over, and keeps what it found for the page.

What is kept in the database convinces nobody who distrusts the database: that takes the offline verifier, the
checkpoints and the public key. It tells the honest operator early.
"""

import itertools
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from audit import checkpoint_files, rows, verifier
from audit.models import AuditEntry, TrailStatus

# Entries verified in one go: a second or two of work.
BATCH = 20_000


@dataclass(frozen=True)
class Found:
    """The end of the trail, as far as it was verified."""

    sequence: int
    hash: str
    at_end: bool


class TrailBrokenError(Exception):
    """The trail is not what was written; the message says where and why."""


def status() -> TrailStatus:
    """Return what is known about the trail; one query. It is not saved where nothing was ever looked at."""
    return TrailStatus.objects.filter(pk=1).first() or TrailStatus()


def verify(pem: str = "") -> verifier.Report:
    """Verify the whole trail of the database against the checkpoints.

    Args:
        pem: public keys to trust; those beside the checkpoints if empty.
    """
    try:
        read = checkpoint_files.read(pem)
    except verifier.FaultError as fault:
        return verifier.Report(False, fault=vars(fault))
    return verifier.verify(rows.records(), read)


def keep() -> None:
    """Verify the next entries and note the outcome; the chore.

    Raises:
        TrailBrokenError: there is a fault; noted first.
    """
    before = status()
    now = timezone.now()
    try:
        read = checkpoint_files.read()
        found = _go_on(before, read)
    except verifier.FaultError as fault:
        _note_fault(_first_fault() or fault, now)
        raise TrailBrokenError(f"{fault.reason} (entry {fault.sequence})") from fault
    _note(found, read, now)


def _go_on(before: TrailStatus, read: verifier.Checkpoints) -> Found:
    head = AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    if head < before.sequence:
        reason = f"entries {head + 1} to {before.sequence} are missing: they were there before"
        raise verifier.FaultError("cut", reason, head + 1)
    walk = verifier.Walk(read, before.sequence, before.hash)
    for record in itertools.islice(rows.records(after=before.sequence), BATCH):
        walk.feed(record)
    at_end = walk.sequence >= head
    if at_end:
        walk.end()
    return Found(walk.sequence, walk.hash, at_end)


def _first_fault() -> verifier.FaultError | None:
    """Return the first fault of the whole trail: what was found may be the consequence of an earlier one."""
    report = verify()
    # That nothing was signed yet is for an auditor to complain about, and soon over.
    return verifier.FaultError(**report.fault) if report.fault and report.checkpoints else None


def _note(found: Found, read: verifier.Checkpoints, now: datetime) -> None:
    last = read.marks[-1] if read.marks else None
    changes: dict[str, object] = {
        "sequence": 0 if found.at_end else found.sequence,
        "hash": verifier.GENESIS if found.at_end else found.hash,
        "looked_at": now,
        "checkpoint_sequence": last.sequence if last else 0,
        "checkpoint_at": datetime.fromisoformat(last.at) if last else None,
    }
    if found.at_end:
        changes |= {"whole_at": now, "whole_to": found.sequence}
        changes |= {"fault_kind": "", "fault_sequence": None, "fault_reason": ""}
    TrailStatus.objects.update_or_create(pk=1, defaults=changes)


def _note_fault(fault: verifier.FaultError, now: datetime) -> None:
    changes = {"fault_kind": fault.kind, "fault_sequence": fault.sequence, "fault_reason": fault.reason}
    # From the start again: the next look has to find it whole before the fault is forgotten.
    again = {"sequence": 0, "hash": verifier.GENESIS, "looked_at": now}
    TrailStatus.objects.update_or_create(pk=1, defaults=changes | again)
