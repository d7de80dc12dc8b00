"""Lets the tests, and only the tests, empty the audit table between transactional tests.

Such a test ends with a flush (DELETE on SQLite, TRUNCATE on PostgreSQL), which the triggers of the audit
table rightly refuse. So the triggers are lifted around that flush and put back exactly as they were. The
product has no switch for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import TransactionTestCase

TABLE = "audit_auditentry"


@pytest.fixture(scope="session", autouse=True)
def flush_of_the_audit_table() -> Iterator[None]:
    """Wrap the flush of every transactional test."""
    flush = TransactionTestCase._fixture_teardown

    def flush_without_triggers(case: TransactionTestCase) -> None:
        with lifted_triggers():
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_without_triggers)
        yield


@contextmanager
def lifted_triggers() -> Iterator[None]:
    """Take the triggers of the audit table off for a while."""
    take_off, put_back = _sqlite() if connection.vendor == "sqlite" else _postgresql()
    _run(take_off)
    try:
        yield
    finally:
        _run(put_back)


def _sqlite() -> tuple[list[str], list[str]]:
    rows = _rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s")
    return [f"DROP TRIGGER {name}" for name, _ in rows], [sql for _, sql in rows]


def _postgresql() -> tuple[list[str], list[str]]:
    rows = _rows("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal")
    return (
        [f"ALTER TABLE {TABLE} DISABLE TRIGGER {name}" for (name,) in rows],
        [f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {name}" for (name,) in rows],
    )


def _rows(query: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [TABLE])
        return list(cursor.fetchall())


def _run(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
