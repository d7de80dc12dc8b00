"""Rules: the table in the file of a plot, delimited text or JSON, whatever its rows are like. No database."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from experiments.csv_tables import NoTableError, records
from experiments.stored_text import text as stored
from lineage.plot_records import MAX_TEXT

MAX_ROWS = 5_000
MAX_COLUMNS = 50
SUFFIXES = (".csv", ".tsv", ".json")


@dataclass(frozen=True)
class Table:
    """A table of texts. Rows may be shorter or longer than the header.

    :ivar is_cut: whether the file has more rows than are here
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    is_cut: bool = False

    def column(self, name: str) -> list[str] | None:
        """Return the cells below `name`, empty where a row has none; None: there is no such column."""
        at = self._places.get(name)
        return None if at is None else [row[at].strip() if at < len(row) else "" for row in self.rows]

    def numbers(self, name: str) -> list[float] | None:
        """Return a column as numbers, NaN where there is none; None: it has none at all, or other words."""
        try:
            found = [_number(cell) for cell in self.column(name) or ()]
        except ValueError:
            return None
        return found if any(map(math.isfinite, found)) else None

    @cached_property
    def _places(self) -> dict[str, int]:
        # Of columns with one name the first counts.
        return {name: at for at, name in reversed(list(enumerate(self.header))) if name}


def table(text: str, path: str) -> Table:
    """Return the table in the content of the file at `path`, whose ending tells the format.

    :raises NoTableError: there is none
    """
    return _of_json(text) if path.lower().endswith(".json") else _of_delimited(text)


def _of_delimited(text: str) -> Table:
    rows = records(text)
    header = tuple(name.strip() for name in next(rows, [])[:MAX_COLUMNS])
    return _table(header, list(islice(rows, MAX_ROWS + 1)))


def _of_json(text: str) -> Table:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NoTableError("It is no JSON.") from None
    if isinstance(value, dict):
        # DVC's own files have the list below one key.
        value = next((one for one in value.values() if isinstance(one, list)), None)
    if not isinstance(value, list):
        raise NoTableError("It holds no list of objects.")
    objects = [one for one in value[: MAX_ROWS + 1] if isinstance(one, dict)]
    header = tuple(islice(_keys(objects), MAX_COLUMNS))
    return _table(header, [[_cell(one.get(name)) for name in header] for one in objects])


def _table(header: tuple[str, ...], rows: list[list[str]]) -> Table:
    if not rows or not any(header):
        raise NoTableError("There are no rows.")
    names = tuple(stored(name, MAX_TEXT) for name in header)
    return Table(names, rows[:MAX_ROWS], is_cut=len(rows) > MAX_ROWS)


def _keys(objects: Iterable[dict[str, Any]]) -> Iterable[str]:
    return dict.fromkeys(name for one in objects for name in one)


def _cell(value: Any) -> str:
    if isinstance(value, list | dict) or value is None:
        return ""
    return stored(value) if isinstance(value, str) else json.dumps(value)


def _number(cell: str) -> float:
    """Return a cell as a number; one that is not finite is a gap, and so is an empty one."""
    number = float(cell) if cell else math.nan
    return number if math.isfinite(number) else math.nan
