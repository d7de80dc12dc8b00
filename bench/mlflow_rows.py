"""Writes the runs of the benchmark into MLflow's own tables.

Through its REST API a hundred thousand runs would take hours. So MLflow makes its tables and the experiment
itself, and the rows are written in bulk as its store writes them.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from bench.dataset import CURVES, EXPERIMENT, BenchRun, bench_run, has_curves
from bench.versions import mlflow_rows

Row = tuple[object, ...]

_BATCH = 2_000
_TABLES: dict[str, tuple[str, ...]] = {
    "runs": (
        *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status"),
        *("start_time", "end_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id"),
    ),
    "params": ("key", "value", "run_uuid"),
    "tags": ("key", "value", "run_uuid"),
    "latest_metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
}
_REGISTRY: dict[str, tuple[str, ...]] = {
    "registered_models": ("name", "creation_time", "last_updated_time"),
    "model_versions": (
        *("name", "version", "creation_time", "last_updated_time"),
        *("current_stage", "source", "run_id", "status"),
    ),
}


def prepare(database: str, artifacts: str) -> int:
    """Have MLflow make its tables and the experiment of the benchmark; return the experiment's id.

    :param database: address for SQLAlchemy; empty database
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(database, artifacts)
    experiment = store.create_experiment(EXPERIMENT, artifact_location=f"{artifacts}/benchmark")
    store.engine.dispose()
    return int(experiment)


def write(database: str, experiment: int, size: int) -> None:
    """Write the first `size` runs."""
    for start in range(0, size, _BATCH):
        numbers = range(start, min(start + _BATCH, size))
        made = [(bench_run(number), has_curves(number, size)) for number in numbers]
        _write_batch(database, {table: _rows(table, experiment, made) for table in _TABLES}, _TABLES)
    models, versions = mlflow_rows()
    _write_batch(database, {"registered_models": models, "model_versions": versions}, _REGISTRY)


def experiment(database: str) -> int:
    """Return the id of the experiment of the benchmark."""
    question = f"SELECT experiment_id FROM experiments WHERE name = '{EXPERIMENT}'"  # noqa: S608
    if database.startswith("sqlite"):
        with sqlite3.connect(_path(database)) as lite:
            return int(lite.execute(question).fetchone()[0])
    import psycopg

    with psycopg.connect(database) as connection:
        row = connection.execute(question).fetchone()
        return int(row[0]) if row else 0


def analyse(database: str) -> None:
    """Give PostgreSQL the statistics that it gathers by itself in time; SQLite never does."""
    if database.startswith("sqlite"):
        return
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _rows(table: str, experiment: int, made: list[tuple[BenchRun, bool]]) -> Iterator[Row]:
    for run, has_curve in made:
        if table == "runs":
            place = f"mlflow-artifacts:/{experiment}/{run.run_id}/artifacts"
            source = ("LOCAL", "train.py", "", run.tags["mlflow.user"], run.status)
            yield (run.run_id, run.name, *source, run.start, run.end, "", "active", place, experiment)
        elif table in {"params", "tags"}:
            pairs = run.params if table == "params" else run.tags
            yield from ((key, value, run.run_id) for key, value in pairs.items())
        else:
            yield from _points(run, has_curve=has_curve, all_points=table == "metrics")


def _points(run: BenchRun, *, has_curve: bool, all_points: bool) -> Iterator[Row]:
    for key, value in run.metrics.items():
        points: Iterable[tuple[int, int, float]] = [(0, run.start, value)]
        if has_curve and key in CURVES:
            points = run.curve(key)
            if not all_points:
                points = itertools.islice(points, len(list(run.curve(key))) - 1, None)
        yield from ((key, value, time, step, False, run.run_id) for step, time, value in points)


def _write_batch(
    database: str, tables: Mapping[str, Iterable[Row]], columns: Mapping[str, tuple[str, ...]]
) -> None:
    if database.startswith("sqlite"):
        with sqlite3.connect(_path(database)) as lite:
            for table, rows in tables.items():
                names = columns[table]
                marks = ", ".join("?" for _ in names)
                lite.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608
        return
    import psycopg

    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        for table, rows in tables.items():
            with cursor.copy(f"COPY {table} ({', '.join(columns[table])}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def _path(database: str) -> str:
    return database.removeprefix("sqlite:///")
