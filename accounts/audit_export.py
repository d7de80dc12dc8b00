"""Operation: let somebody take entries of the trail along, and note that they did."""

import csv
import io
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts import access
from accounts.csv_cells import neutral
from accounts.models import User
from accounts.roles import Permission
from audit import bundle, canonical_json, checkpoint_files, excerpts, rows, search, trail, verifier
from audit.events import Event
from audit.rows import Record
from audit.search import Filter

logger = logging.getLogger(__name__)

TARGET = trail.Target("audit", "trail", "audit trail")
FORMATS = ("jsonl", "csv", "bundle")
_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "bundle": "application/zip"}
_ENDINGS = {"jsonl": "jsonl", "csv": "csv", "bundle": "zip"}
_LINES = 500


@dataclass(frozen=True)
class Export:
    """A file that is made while it is sent."""

    name: str
    content_type: str
    chunks: Iterator[bytes]


def export(user: User, wanted: Filter, form: str) -> Export:
    """Return the entries that pass as a file.

    `csv` is for reading; `jsonl` has the form that is hashed; `bundle` is an archive of it with what it takes
    to verify it. A bundle of a filter holds the entries that a checkpoint has signed, with their proofs.

    Args:
        user: who wants it.
        wanted: which entries.
        form: one of `FORMATS`.

    Raises:
        PermissionDenied: they may not read the trail.
        KeyError: there is no such form.
    """
    access.require(user, Permission.AUDIT_READ, target=TARGET)
    content_type, ending = _TYPES[form], _ENDINGS[form]
    with transaction.atomic():
        data = {"format": form, "filter": wanted.as_data()}
        entry = trail.record(Event.AUDIT_EXPORTED, actor=access.actor(user), target=TARGET, data=data)
    sign()
    make = {"jsonl": _jsonl, "csv": _csv, "bundle": _bundle}[form]
    return Export(f"audit-to-{entry.sequence}.{ending}", content_type, make(wanted, entry.sequence))


def sign() -> None:
    """Sign what was recorded if this process holds the key; if not, a worker does it within minutes."""
    if not Path(settings.CHECKPOINT_KEY).exists():
        return
    # Only where something is signed: the web process seldom does.
    from audit import checkpoint_keys, checkpoints

    try:
        checkpoints.make()
    except (checkpoints.CheckpointError, checkpoint_keys.KeyFileError, OSError) as error:
        logger.error("The export was not signed: %s", error)


def _found(wanted: Filter, last: int) -> Iterator[Record]:
    entries = search.matching(wanted).filter(sequence__lte=last).order_by("sequence")
    return map(rows.of_entry, entries.iterator(chunk_size=2000))


def _lines(wanted: Filter, last: int) -> Iterator[str]:
    # The whole trail is exported even where a row of it cannot be read: that is evidence too.
    if wanted.is_empty:
        return map(rows.line_of_any, rows.records(until=last))
    return map(rows.line, _found(wanted, last))


def _jsonl(wanted: Filter, last: int) -> Iterator[bytes]:
    yield from _chunks(_lines(wanted, last))


def _csv(wanted: Filter, last: int) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # or spreadsheets take Hangul for something else
    yield from _chunks(_csv_rows(_found(wanted, last)))


def _csv_rows(records: Iterable[Record]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(verifier.FIELDS)
    for record in records:
        cells = record | {"data": canonical_json.canonical(record["data"])}
        writer.writerow([neutral(str(cells[name])) for name in verifier.FIELDS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _bundle(wanted: Filter, last: int) -> Iterator[bytes]:
    try:
        read = checkpoint_files.read()
    except verifier.FaultError:
        logger.exception("The checkpoints are not what was written.")
        read = verifier.Checkpoints()
    lines = _lines(wanted, last) if wanted.is_empty else excerpts.lines(_found(wanted, last), read)
    yield from bundle.zipped(bundle.parts(lines))


def _chunks(lines: Iterator[str]) -> Iterator[bytes]:
    while part := list(islice(lines, _LINES)):
        yield "".join(part).encode()
