"""The one place that writes audit entries."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections, router, transaction

from audit import chain
from audit.events import Event
from audit.models import AuditEntry

# Any fixed number serves, as long as nothing else in this database locks the same ("audit" in ASCII).
_LOCK = 0x6175646974


class Actor(NamedTuple):
    """Who did it. Text, so that it outlives the account."""

    id: str
    name: str


class Target(NamedTuple):
    """What it was done to; `model_name` is the registered model it concerns, where there is one."""

    kind: str
    id: str
    name: str
    model_name: str = ""


# The product itself: a reaper, a mirror, a schedule.
SYSTEM = Actor("system", "system")


def record(
    event: Event, *, actor: Actor, target: Target, data: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Append one entry in the caller's transaction: both are kept or neither.

    Writers wait for each other until the transaction ends, so call it last, after the changes it tells of,
    and keep slow work (network, files) out of the transaction.

    Args:
        event: what happened.
        actor: who did it.
        target: what it was done to.
        data: facts that an auditor needs, as JSON (see `audit.chain`); never a secret.

    Raises:
        transaction.TransactionManagementError: there is no transaction open.
        ValueError: `event` is not on the list, or a value has no canonical form.
        django.core.exceptions.ValidationError: a text is empty or too long for its column.
    """
    using = router.db_for_write(AuditEntry)
    connection = connections[using]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry needs the transaction of its change")
    plain = json.loads(chain.canonical(data or {}))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    last = AuditEntry.objects.using(using).order_by("-sequence").values_list("sequence", "hash").first()
    sequence, prev_hash = last or (0, chain.GENESIS)
    link = chain.Link(
        sequence=sequence + 1,
        at=datetime.now(UTC),
        event=str(Event(event)),
        actor_id=actor.id,
        actor_name=actor.name,
        target_kind=target.kind,
        target_id=target.id,
        target_name=target.name,
        model_name=target.model_name,
        data=plain,
        prev_hash=prev_hash,
    )
    return _append(replace(link, hash=chain.digest(link)), using)


def verify(entries: Iterable[AuditEntry] | None = None) -> chain.Fault | None:
    """Return the first fault of the whole trail (or of `entries`, from the first one on), or None."""
    rows = AuditEntry.objects.order_by("sequence").iterator() if entries is None else entries
    return chain.verify(entry.link() for entry in rows)


def _append(link: chain.Link, using: str) -> AuditEntry:
    entry = AuditEntry(**{field: getattr(link, field) for field in link.__slots__})
    entry.clean_fields()
    entry.save(using=using)
    return entry
