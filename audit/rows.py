"""Entries as the database holds them, read without the model: a broken row must not stop the reading."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connections, router

from audit import chain
from audit.models import AuditEntry
from audit.verifier import FIELDS

Record = dict[str, Any]
_CHUNK = 2000


def records(*, after: int = 0, until: int | None = None) -> Iterator[Record | Exception]:
    """Yield the entries in the order of their numbers, in the form in which they are hashed and exported.

    A row that cannot be read becomes the exception that says why. Memory does not grow with the rows.

    Args:
        after: number of the entry before the first wanted.
        until: number of the last wanted; None for all.
    """
    connection = connections[router.db_for_read(AuditEntry)]
    columns = ", ".join(f'"{name}"' for name in FIELDS)
    # The names are constants of ours. No WHERE on a number that a broken row may not have.
    sql = f"SELECT {columns} FROM {AuditEntry._meta.db_table}"  # noqa: S608
    conditions = ["sequence > %s"] if after else []
    conditions += ["sequence <= %s"] if until is not None else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    parameters = [number for number in (after or None, until) if number is not None]
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{sql}{where} ORDER BY sequence", parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from map(_record, rows)


def of_entry(entry: AuditEntry) -> Record:
    """Return an entry that was read through the model in the same form."""
    return {name: getattr(entry, name) for name in FIELDS} | {"at": chain.instant(entry.at)}


def line(record: Record) -> str:
    """Return the line of an export that holds `record`, whatever somebody has made of it."""
    try:
        return chain.canonical(record) + "\n"
    except (ValueError, RecursionError):
        return json.dumps(record, default=str) + "\n"


def line_of_any(record: Record | Exception) -> str:
    """Return the line of an export for a row, whether it could be read or not."""
    return line({"unreadable": str(record)} if isinstance(record, Exception) else record)


def _record(row: tuple[Any, ...]) -> Record | Exception:
    record = dict(zip(FIELDS, row, strict=True))
    try:
        at = record["at"]
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
        record["at"] = chain.instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if isinstance(record["data"], str | bytes):
            record["data"] = json.loads(record["data"])
    except (ValueError, RecursionError) as error:
        return error
    return record
