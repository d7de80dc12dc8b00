"""A long audit trail for tests: a chain as `audit.trail` would write it, in bulk."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import models

from audit import chain
from audit.events import Event
from audit.models import AuditEntry

_START = datetime(2025, 1, 1, tzinfo=UTC)
_BATCH = 5000


def add_entries(count: int, *, model: str = "other-model", promotions: int = 500) -> None:
    """Append `count` entries about jobs, versions and promotions of other models to the chain."""
    last = AuditEntry.objects.order_by("-sequence").values_list("sequence", "hash").first()
    sequence, prev_hash = last or (0, chain.GENESIS)
    rows: list[AuditEntry] = []
    for number in range(1, count + 1):
        link = _link(sequence + number, prev_hash, number, model, promotions)
        prev_hash = link.hash
        rows.append(AuditEntry(**{field: getattr(link, field) for field in link.__slots__}))
    # The manager refuses what does not keep the chain; these rows keep it.
    models.QuerySet(AuditEntry).bulk_create(rows, batch_size=_BATCH)


def _link(sequence: int, prev_hash: str, number: int, model: str, promotions: int) -> chain.Link:
    kind = ("job", "version", "promotion")[number % 3]
    about = {
        "job": (Event.JOB_SUBMITTED, str(number)),
        "version": (Event.VERSION_STAGE_CHANGED, f"{model}@1.0.{number % 1000}"),
        "promotion": (Event.PROMOTION_REVIEWED, str(1_000_000 + number % promotions)),
    }
    event, target = about[kind]
    link = chain.Link(
        sequence=sequence,
        at=_START + timedelta(seconds=number),
        event=event.value,
        actor_id="7",
        actor_name="someone",
        target_kind=kind,
        target_id=target,
        target_name=target,
        model_name=model,
        data={"from": "Staging", "to": "Archived", "promotion": number},
        prev_hash=prev_hash,
    )
    return replace(link, hash=chain.digest(link))
