"""`python -m bench`: makes the data, measures both servers, prints the table and writes it down."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, measure, report, stores
from bench.table import Line, markdown


def main() -> int:
    """Run the benchmark for every database and size that was asked for."""
    asked = _arguments()
    began, facts = datetime.now(UTC), machine.facts()
    lines: list[Line] = []
    for kind in asked.database:
        with stores.open_server(asked.folder, kind) as server:
            for size in asked.size:
                _say(f"{kind}, {size:,} runs")
                for line in measure.measured(
                    stores.prepared(asked.folder, kind, size, server), direct=size in asked.direct
                ):
                    _say(f"  {line.name}: MLflow {line.mlflow or '-'}, Stagegate {line.ours} {line.ratio}")
                    lines.append(line)
    figures = markdown(lines)
    sys.stdout.write(figures)
    if asked.write:
        report.write("figures", began, facts, figures)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[20_000, 100_000], help="numbers of runs")
    parser.add_argument("--database", nargs="+", choices=stores.KINDS, default=list(stores.KINDS))
    parser.add_argument(
        "--direct", type=int, nargs="*", default=[], help="sizes to write directly instead of importing them"
    )
    parser.add_argument("--folder", type=Path, default=stores.FOLDER, help="what is made stays here")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the document as it is")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
