"""Rules: what an address asks to be compared. No database, no Django.

Nothing in it can be wrong enough to fail: what cannot be used is named beside what is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

MAX_RUNS = 100
_MAX_ID = 64
_MAX_SEARCH = 250

Point = Literal["last", "min", "max", "best"]
POINTS: tuple[Point, ...] = ("last", "min", "max", "best")
Rows = Literal["auto", "different", "all"]
ROWS: tuple[Rows, ...] = ("auto", "different", "all")


@dataclass(frozen=True)
class CompareRequest:
    """Which runs are compared, and how their table is shown.

    :ivar runs: MLflow's ids, each once, in the order of the columns
    :ivar left_out: how many more than `MAX_RUNS` were named
    :ivar repeated: ids that were named more than once
    :ivar baseline: the id that the others are compared with; empty: nobody chose
    :ivar point: which value of a metric's history is shown
    :ivar rows: ``different``: only rows in which runs differ; ``auto``: so where there are many rows
    :ivar search: part of the names of rows
    """

    runs: tuple[str, ...]
    left_out: int = 0
    repeated: tuple[str, ...] = ()
    baseline: str = ""
    point: Point = "last"
    rows: Rows = "auto"
    search: str = ""


def parse(runs: Iterable[str], words: Mapping[str, str]) -> CompareRequest:
    """Return what an address asks for.

    :param runs: values of `?runs=`; each may hold several, separated by commas
    :param words: the other values by name: ``baseline``, ``point``, ``rows``, ``q``
    """
    named = [part.strip() for value in runs for part in value.split(",")]
    usable = [name for name in named if name and len(name) <= _MAX_ID and "\0" not in name]
    unique = list(dict.fromkeys(usable))
    return CompareRequest(
        runs=tuple(unique[:MAX_RUNS]),
        left_out=max(len(unique) - MAX_RUNS, 0),
        repeated=tuple(name for name in unique if usable.count(name) > 1)[:MAX_RUNS],
        baseline=words.get("baseline", ""),
        point=next((one for one in POINTS if one == words.get("point")), "last"),
        rows=next((one for one in ROWS if one == words.get("rows")), "auto"),
        search=words.get("q", "").strip()[:_MAX_SEARCH].replace("\0", ""),
    )
