"""Entries of the trail for tests, and an attacker who may do anything in the database."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from audit import chain, rows, trail, verifier
from audit.events import Event
from audit.models import AuditEntry
from tests.audit_flush import TABLE, lifted_triggers

ENGINEER = trail.Actor("7", "someone")


@pytest.fixture(autouse=True)
def checkpoint_folder(settings: Any, tmp_path: Path) -> Path:
    """Keep key and checkpoints of a test in a folder of its own; return the folder of the checkpoints."""
    settings.CHECKPOINT_KEY = tmp_path / "private" / "checkpoint_key.pem"
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    return tmp_path / "checkpoints"


def make_entry(event: Event = Event.JOB_SUBMITTED, **changes: Any) -> AuditEntry:
    """Record something."""
    number = AuditEntry.objects.count() + 1
    fields: dict[str, Any] = {
        "actor": ENGINEER,
        "target": trail.Target("job", str(number), f"job {number}", "receipt-ocr"),
        "data": make_data(number),
    }
    with transaction.atomic():
        return trail.record(event, **fields | changes)


def make_data(number: int) -> dict[str, Any]:
    """Return the facts of entry `number`."""
    return {"attempt": number, "rate": 1e-3}


def make_entries(count: int) -> None:
    """Record `count` things."""
    for _ in range(count):
        make_entry()


def run_sql(*statements: str, **parameters: Any) -> None:
    """Do what somebody does who may do anything in the database, triggers and checks included."""
    checks = "PRAGMA ignore_check_constraints = {}" if connection.vendor == "sqlite" else "SELECT '{}'"
    with lifted_triggers(), connection.cursor() as cursor:
        cursor.execute(checks.format("on"))
        for statement in statements:
            cursor.execute(statement.format(table=TABLE), parameters or None)
        cursor.execute(checks.format("off"))


def rewrite(first: int, **changes: Any) -> None:
    """Change entry `first` and give it and every later one the hash that fits: a chain without a seam."""
    records = [record for record in rows.records() if isinstance(record, dict)]
    last = records[first - 2]["hash"] if first > 1 else chain.GENESIS
    for record in records[first - 1 :]:
        if record["sequence"] == first:
            record |= changes
        record["prev_hash"] = last
        record["hash"] = last = verifier.digest(record)
        run_sql(
            "UPDATE {table} SET actor_name = %(actor_name)s, prev_hash = %(prev_hash)s, hash = %(hash)s"
            " WHERE sequence = %(sequence)s",
            **{name: record[name] for name in ("actor_name", "prev_hash", "hash", "sequence")},
        )


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file."""
    return path.read_text(encoding="utf-8").splitlines()


def key_mode() -> int:
    """Return the permissions of the private key."""
    return Path(settings.CHECKPOINT_KEY).stat().st_mode & 0o777


def key_exists() -> bool:
    """Say whether a private key was made."""
    return Path(settings.CHECKPOINT_KEY).exists()


def make_variety() -> None:
    """Record entries of several events, people, models and kinds of target."""
    accountant, bookkeeper = trail.Actor("1", "accountant"), trail.Actor("2", "bookkeeper")
    make_entry(
        Event.PROMOTION_OPENED,
        actor=accountant,
        target=trail.Target("promotion", "1", "p one", "receipt-ocr"),
    )
    make_entry(
        Event.PROMOTION_REVIEWED,
        actor=bookkeeper,
        target=trail.Target("promotion", "1", "p one", "receipt-ocr"),
    )
    make_entry(Event.JOB_FAILED, actor=trail.SYSTEM, target=trail.Target("job", "9", "nightly training"))
    make_entry(
        Event.SESSION_SIGN_IN_FAILED,
        actor=trail.Actor("anonymous", "anonymous"),
        target=trail.Target("user", "2", "bookkeeper"),
    )
    make_entry(
        Event.VERSION_REGISTERED,
        actor=accountant,
        target=trail.Target("version", "m@1", "m@1", "invoice-ocr"),
    )
