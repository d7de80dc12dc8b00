"""Operation: let somebody take along what a cause reached, and note that they did."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.utils import timezone

from accounts import access as accounts
from accounts.audit_export import Export
from accounts.csv_cells import neutral
from accounts.models import User
from audit import trail
from audit.events import Event
from lineage import impact
from lineage.asked_causes import AskedCause
from lineage.impact import Impact, ImpactRow

COLUMNS = ("model", "version", "stage_now", "stage_then", "registered_at", "promotions", "deployments")
#: What is said of the whole, on each line: tables are cut and joined.
WHOLE = ("cause", "as_of", "in_stage", "hidden_versions", "complete")
_CHUNK = 500
_LONGEST_ID, _LONGEST_NAME = 200, 300


def export(cause: AskedCause, *, user: User, at: datetime | None = None, stage: str = "") -> Export:
    """Return every version that `cause` reached as CSV, made while it is sent. No version is a line as well.

    Who may sign in may have it: it tells what the page tells.

    :param at: the instant that is "then"; None: now
    :param stage: only versions that are in this stage now, or were then
    """
    found = impact.of(cause.keys, user=user, at=at, stage=stage)
    asked_at = at or timezone.now()
    named = " ".join(f"{name}={value}" for name, value in cause.query.items())
    whole = (named, asked_at.isoformat(), stage, str(found.hidden), "yes" if found.complete else "no")
    # The whole query is in the data; columns of the trail end somewhere.
    target = trail.Target("impact", named[:_LONGEST_ID], cause.title[:_LONGEST_NAME])
    data = {"cause": cause.query, "at": asked_at.isoformat(), "stage": stage}
    with transaction.atomic():
        trail.record(Event.IMPACT_EXPORTED, actor=accounts.actor(user), target=target, data=data)
    return Export(f"impact-{cause.short}.csv", "text/csv; charset=utf-8", _chunks(found, whole))


def _chunks(found: Impact, whole: tuple[str, ...]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # or spreadsheets take Hangul for something else
    yield _lines([(*COLUMNS, *WHOLE)])
    versions = found.versions.iterator(chunk_size=_CHUNK)
    empty = True
    while part := list(islice(versions, _CHUNK)):
        empty = False
        yield _lines([(*_cells(row), *whole) for row in impact.rows(part, found.limits)])
    if empty:
        yield _lines([(*("" for _ in COLUMNS), *whole)])


def _cells(row: ImpactRow) -> tuple[str, ...]:
    version = row.version
    promotions = "; ".join(f"#{one.pk} {one.to_stage} {state}" for one, state in row.promotions)
    deployments = "; ".join(
        f"{one.environment} {'until ' + one.retired_at.isoformat() if one.retired_at else 'serves'}"
        for one in row.deployments
    )
    here = (version.model.name, version.version, row.stage, row.stage_then)
    return (*here, version.created_at.isoformat(), promotions, deployments)


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([neutral(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode()
