"""How the mirror of MLflow is doing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from experiments import mirror_state
from experiments.models import SyncState

# A pass takes seconds; nothing heard for this long means that no worker is at it.
STALE = timedelta(minutes=2)


@dataclass(frozen=True)
class Mirror:
    """What a page says about the mirror.

    :ivar state: ``fresh``, ``failing`` (MLflow does not answer), ``stale`` (nobody mirrors), ``never``
    :ivar since: time of the last success
    :ivar error: what MLflow's last failure was
    :ivar lost: active runs that MLflow has no more: it is another server, or an emptied one
    """

    state: str
    since: datetime | None = None
    error: str = ""
    lost: int = 0


def mirror() -> Mirror:
    """Return the state of the mirror. One query."""
    row = SyncState.objects.filter(name=mirror_state.NAME).first()
    if row is None or (row.succeeded_at is None and row.failed_at is None):
        return Mirror("never")
    lost = row.counts.get("lost", 0)
    if row.error:
        return Mirror("failing", row.succeeded_at, row.error, lost)
    heard = max(moment for moment in (row.succeeded_at, row.failed_at) if moment)
    stale = timezone.now() - heard > STALE
    return Mirror("stale" if stale else "fresh", row.succeeded_at, lost=lost)
