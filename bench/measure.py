"""Measures one pair of servers over one store; returns the lines of the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

from bench import browsing, memory, mlflow_rows, servers
from bench.questions import PATIENCE, Question, questions
from bench.servers import MLflow, Ours
from bench.stores import Store
from bench.table import Line, seconds
from bench.timing import Times, repeat

_MEGABYTES_OF_A_WORKER = 150
_RUNS_A_SECOND = 400
_FIRST_ROW = 0.6
_BYTES = 250_000


def measured(store: Store, *, direct: bool) -> Iterator[Line]:
    """Yield the lines of one store; imports what is not imported yet.

    :param direct: write our rows instead of importing them over REST; nothing is said of import and passes
    """
    label = f"{store.kind}, {store.size:,}{' (written directly)' if direct else ''}"
    servers.migrate(store)
    with MLflow(store) as theirs:
        if direct:
            _write_directly(store)
        else:
            yield _import(label, store, theirs)
            yield _steady(label, store, theirs)
        servers.run_here(store, "bench.versions")
        with servers.stagegate(store) as ours:
            experiment = str(mlflow_rows.experiment(store.mlflow))
            for question in questions(theirs.url, experiment, ours, store.size):
                yield _compared(label, store, question, theirs)
            yield from _browsed(label, theirs, experiment, ours)
            yield _memory(label, theirs, ours)


def _write_directly(store: Store) -> None:
    if not store.imported.exists():
        experiment = str(mlflow_rows.experiment(store.mlflow))
        said = servers.run_here(store, "bench.direct", str(store.size), experiment)
        mlflow_rows.analyse(store.stagegate)
        store.imported.write_text(json.dumps(said))


def _import(label: str, store: Store, theirs: MLflow) -> Line:
    if not store.imported.exists():
        said = servers.run_here(store, "bench.importing", MLFLOW_TRACKING_URI=theirs.url)
        mlflow_rows.analyse(store.stagegate)
        store.imported.write_text(json.dumps(said))
    said = json.loads(store.imported.read_text())
    rate = said["runs"] / said["seconds"]
    histories = said["runs"] / max(said["histories_seconds"], 1e-9)
    return Line(
        label,
        "first import over REST, runs a second",
        "",
        f"{rate:.0f} (then histories of {histories:.0f} runs a second; at most {said['peak_mb']:.0f} MB)",
        "",
        f"at least {_RUNS_A_SECOND}",
        rate >= _RUNS_A_SECOND,
    )


def _steady(label: str, store: Store, theirs: MLflow) -> Line:
    said: dict[str, Any] = servers.run_here(store, "bench.steady", MLFLOW_TRACKING_URI=theirs.url)
    times = Times(tuple(said["seconds"]))
    return Line(
        label,
        "pass of the mirror, nothing new",
        f"{said['requests']:.0f} requests",
        f"{_spread(times)}, of it {seconds(said['own_seconds'])} here, {said['queries']:.0f} queries",
        "",
    )


def _compared(label: str, store: Store, question: Question, server: MLflow) -> Line:
    ours = repeat(question.ours)
    theirs = _answered(question, server)
    ratio = theirs.median / ours.median
    wanted = (question.times_faster or {}).get(store.kind)
    goals, met = [], []
    if question.goal is not None:
        goals.append(f"p95 {seconds(question.goal)}")
        met.append(ours.p95 <= question.goal)
    if wanted is not None:
        goals.append(f"{wanted:.0f}x")
        met.append(ratio >= wanted)
    alone = theirs.median < 1e-4
    return Line(
        label,
        question.name,
        "" if alone else _spread(theirs),
        _spread(ours),
        "" if alone else f"{'more than ' * theirs.given_up}{ratio:.1f}x",
        ", ".join(goals),
        all(met) if met else None,
    )


def _answered(question: Question, server: MLflow) -> Times:
    """Return how long MLflow takes; if that is too long, begin the next question with a server at rest."""
    try:
        return repeat(question.mlflow)
    except requests.Timeout:
        server.restart()
        return Times((PATIENCE,), given_up=True)


def _browsed(label: str, theirs: MLflow, experiment: str, ours: Ours) -> Iterator[Line]:
    their_visit, our_visit = browsing.visits(theirs.url, experiment, ours)
    yield Line(
        label,
        "first row of the table in Chromium",
        seconds(their_visit.seconds),
        seconds(our_visit.seconds),
        f"{their_visit.seconds / our_visit.seconds:.1f}x",
        seconds(_FIRST_ROW),
        our_visit.seconds <= _FIRST_ROW,
    )
    yield Line(
        label,
        "bytes of that page, cold cache",
        f"{their_visit.bytes / 1000:.0f} kB",
        f"{our_visit.bytes / 1000:.0f} kB",
        f"{their_visit.bytes / our_visit.bytes:.1f}x",
        f"{_BYTES / 1000:.0f} kB",
        our_visit.bytes <= _BYTES,
    )


def _memory(label: str, theirs: MLflow, ours: Ours) -> Line:
    their_own, our_own = memory.megabytes(theirs.group), memory.megabytes(ours.group)
    return Line(
        label,
        "resident memory after all this: all processes, largest",
        f"{sum(their_own):.0f} MB, {their_own[0]:.0f} MB",
        f"{sum(our_own):.0f} MB, {our_own[0]:.0f} MB",
        f"{sum(their_own) / sum(our_own):.1f}x",
        f"a worker {_MEGABYTES_OF_A_WORKER} MB",
        our_own[0] <= _MEGABYTES_OF_A_WORKER,
    )


def _spread(times: Times) -> str:
    if times.given_up:
        return f"more than {seconds(times.median)}"
    if len(times.seconds) == 1:
        return f"{seconds(times.median)} (once)"
    return f"{seconds(times.median)} (p95 {seconds(times.p95)})"
