"""The lease of the mirror and where its long walk stands; the sole writer of `SyncState`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from experiments.models import SyncState
from experiments.stored_text import text

NAME = "mlflow"
LEASE = timedelta(seconds=60)
RENEW_EVERY = 5.0  # seconds


class LostError(Exception):
    """The lease ran out and somebody else has it: stop writing."""


@dataclass
class Cursor:
    """Where a reconciliation stands.

    :ivar began: time of its beginning, seconds since the epoch
    :ivar after: id of the last experiment that is done
    :ivar token: MLflow's token of the next page; None at the beginning of a group of experiments
    :ivar start: start time of the last run seen in this group, milliseconds since the epoch
    :ivar run: its id, for runs that started at the same time come by id
    :ivar page: how many runs to ask for next
    """

    began: float
    after: str = ""
    token: str | None = None
    start: int | None = None
    run: str = ""
    page: int = 200


@dataclass
class LiveTurn:
    """Where the round of reading the histories of runs that are going on stands.

    :ivar at: time of the last turn, seconds since the epoch
    :ivar after: primary key of the last run of that turn
    """

    at: float = 0.0
    after: int = 0


@dataclass
class Progress:
    """What one pass holds: the lease, and what the next one has to know.

    :ivar lease: the end of our lease, which also proves that it is ours
    :ivar reconciled_at: when the last complete reconciliation began; None: one was asked for
    :ivar took: seconds that it took
    :ivar cursor: the reconciliation in progress, if any
    :ivar counts: numbers to show
    """

    lease: datetime
    reconciled_at: datetime | None
    took: float = 0.0
    cursor: Cursor | None = None
    live: LiveTurn = field(default_factory=LiveTurn)
    counts: dict[str, int] = field(default_factory=dict)
    completed: bool = False
    renewed: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Prolong the lease if that is due.

        :raises LostError: it is not ours any more
        """
        if time.monotonic() - self.renewed < RENEW_EVERY:
            return
        until = timezone.now() + LEASE
        if not SyncState.objects.filter(name=NAME, lease_until=self.lease).update(lease_until=until):
            raise LostError
        self.lease, self.renewed = until, time.monotonic()

    def is_due(self, every: timedelta) -> bool:
        """Return whether a reconciliation should begin: `every` after the end of the last one."""
        if self.cursor is not None:
            return False
        pause = every + timedelta(seconds=self.took)
        return self.reconciled_at is None or timezone.now() - self.reconciled_at >= pause

    def begin(self) -> None:
        """Begin a reconciliation."""
        self.cursor = Cursor(began=time.time())

    def complete(self) -> None:
        """Note that the reconciliation in progress has seen everything."""
        if self.cursor is not None:
            self.reconciled_at = datetime.fromtimestamp(self.cursor.began, tz=timezone.get_default_timezone())
            self.took = time.time() - self.cursor.began
            self.cursor, self.completed = None, True

    def stored(self) -> dict[str, Any]:
        """Return the JSON that `acquire` reads back."""
        cursor = asdict(self.cursor) if self.cursor else None
        return {**self.counts, "cursor": cursor, "live": asdict(self.live), "took": self.took}


def acquire() -> Progress | None:
    """Take the lease; None if somebody else has it."""
    SyncState.objects.get_or_create(name=NAME)
    now = timezone.now()
    until = now + LEASE
    free = SyncState.objects.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now), name=NAME)
    if not free.update(lease_until=until):
        return None
    row = SyncState.objects.get(name=NAME)
    stored = dict(row.counts)
    cursor, live = stored.pop("cursor", None), stored.pop("live", None)
    return Progress(
        lease=until,
        reconciled_at=row.reconciled_at,
        took=stored.pop("took", 0.0),
        cursor=Cursor(**cursor) if cursor else None,
        live=LiveTurn(**live) if live else LiveTurn(),
        counts=stored,
    )


def release(progress: Progress, *, error: str) -> None:
    """Give the lease back and say how it went; without effect if it is not ours any more."""
    now = timezone.now()
    changes: dict[str, Any] = {"lease_until": None, "counts": progress.stored(), "error": text(error, 1000)}
    changes["failed_at" if error else "succeeded_at"] = now
    if progress.completed:
        changes["reconciled_at"] = progress.reconciled_at
    SyncState.objects.filter(name=NAME, lease_until=progress.lease).update(**changes)


def request_reconciliation() -> None:
    """Make a reconciliation due."""
    SyncState.objects.get_or_create(name=NAME)
    SyncState.objects.filter(name=NAME).update(reconciled_at=None)


def reconciled_since(moment: datetime) -> bool:
    """Return whether a reconciliation that began after `moment` is complete."""
    return SyncState.objects.filter(name=NAME, reconciled_at__gte=moment).exists()
