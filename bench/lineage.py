"""`python -m bench.lineage`: a graph of 100,000 nodes, asked as of now and as of the past in turns.

There is no peer that has such a graph. What is compared is the past with the present: the same questions, the
same rows, one after the other, so that whatever else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from bench import machine, mlflow_rows, report, servers, stores
from bench.questions import PATIENCE
from bench.servers import Ours
from bench.stores import Store
from bench.table import seconds, table
from bench.timing import Times, in_turns

_HEAD = ("database", "question", "now", "as of the end", "ratio", "as of the past", "goal", "met")
#: The same question, asked twice, differs by as much.
_SAME = 1.05


@dataclass(frozen=True)
class Question:
    """One row of the table.

    :ivar goal: most seconds that 95 of 100 answers about now may take; None: no goal of its own
    """

    name: str
    path: str
    query: dict[str, str]
    goal: float | None = None


def main() -> int:
    """Measure on every kind of database that was asked for, and write the table down."""
    asked = _arguments()
    began, facts = datetime.now(UTC), machine.facts()
    rows: list[tuple[str, ...]] = []
    for kind in asked.database:
        with stores.open_server(asked.folder, kind) as server:
            store = stores.for_lineage(asked.folder, kind, server)
            for row in _measured(store):
                sys.stderr.write(f"{' | '.join(row)}\n")
                rows.append(row)
    figures = table(_HEAD, rows)
    sys.stdout.write(figures)
    if asked.write:
        report.write("lineage figures", began, facts, figures)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.lineage", description=__doc__)
    parser.add_argument("--database", nargs="+", choices=stores.KINDS, default=list(stores.KINDS))
    parser.add_argument("--folder", type=Path, default=stores.FOLDER)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the document as it is")
    return parser.parse_args()


def _measured(store: Store) -> Iterator[tuple[str, ...]]:
    servers.migrate(store)
    said = servers.run_here(store, "bench.lineage_rows")
    mlflow_rows.analyse(store.stagegate)
    label = f"{store.kind}, {said['nodes']:,} nodes"
    with servers.stagegate(store) as ours:
        for question in _questions(said):
            yield _row(label, question, ours, said)


def _questions(said: dict[str, Any]) -> list[Question]:
    page, rest, hops = "/lineage/", "/api/v1/lineage/", {"depth": "3"}
    version, data, wide = ({"node": said[name], **hops} for name in ("version", "data", "wide"))
    return [
        Question("page of a version, three hops", page, version, 0.1),
        Question("the same as JSON", rest, version, 0.1),
        Question("page of data that 333 versions came from", page, data, 0.3),
        Question("the same as JSON, 2,000 nodes with all facts", rest, data),
        Question("page of a version that 900 nodes led to", page, wide, 0.3),
        Question("impact of that data", "/lineage/impact/", {"node": said["data"]}),
    ]


def _row(label: str, question: Question, ours: Ours, said: dict[str, Any]) -> tuple[str, ...]:
    session = requests.Session()
    session.headers["Cookie"] = f"sessionid={ours.cookie}"

    def asking(**more: str) -> Callable[[], None]:
        address = f"{ours.url}{question.path}?{urlencode({**question.query, **more})}"

        def ask() -> None:
            session.get(address, timeout=PATIENCE, allow_redirects=False).raise_for_status()

        return ask

    now, end, past = in_turns([asking(), asking(at=said["end"]), asking(at=said["at"])])
    ratio = end.median / now.median
    met = ratio <= _SAME and (question.goal is None or now.p95 <= question.goal)
    goal = f"p95 {seconds(question.goal)}, " if question.goal else ""
    return (
        *(label, question.name, _spread(now), _spread(end), f"{ratio:.2f}x", _spread(past)),
        *(f"{goal}{_SAME:.2f}x", "yes" if met else "**no**"),
    )


def _spread(times: Times) -> str:
    return f"{seconds(times.median)} (p95 {seconds(times.p95)})"


if __name__ == "__main__":
    raise SystemExit(main())
