"""The table of the benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One row.

    :ivar met: whether the goal was reached; None: there is none
    """

    store: str
    name: str
    mlflow: str
    ours: str
    ratio: str
    goal: str = ""
    met: bool | None = None


_HEAD = ("database, runs", "what", "MLflow", "Stagegate", "ratio", "goal", "met")


def markdown(lines: Sequence[Line]) -> str:
    """Return the table that compares with MLflow."""
    words = {True: "yes", False: "**no**", None: ""}
    return table(
        _HEAD,
        [(one.store, one.name, one.mlflow, one.ours, one.ratio, one.goal, words[one.met]) for one in lines],
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with a head."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def seconds(value: float) -> str:
    """Return a time as people read it."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
