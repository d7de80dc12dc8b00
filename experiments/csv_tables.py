"""Rules: delimited text as a table of which a window is shown. No database, no markup.

Rows are read one after another and only those of the window are kept: a small file may have a million.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

MAX_COLUMNS = 60
MAX_CELL = 500
_DELIMITERS = (",", "\t", ";", "|")


class NoTableError(ValueError):
    """This text cannot be read as a table."""


@dataclass(frozen=True)
class Table:
    """A window of a table.

    :ivar header: names of the columns that are shown
    :ivar numeric: for each of them, whether every value in the window is a number
    :ivar rows: line number (the first one below the header is 1) and cells
    :ivar total: rows in all, without the header
    :ivar hidden: columns that are not shown
    """

    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    total: int
    hidden: int

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Name of each column, and whether its values are numbers."""
        return list(zip(self.header, self.numeric, strict=True))

    @property
    def cells(self) -> list[tuple[int, list[tuple[str, bool]]]]:
        """The rows, each cell with whether its column is one of numbers."""
        return [(line, list(zip(row, self.numeric, strict=True))) for line, row in self.rows]


def table(text: str, *, start: int = 0, most: int = 100) -> Table:
    """Return the rows from number `start` (the first is 0) on, at most `most`.

    :raises NoTableError: there are no rows, or the quotes do not end
    """
    rows = records(text)
    header = next(rows, None)
    if header is None:
        raise NoTableError("There are no rows.")
    window: list[tuple[int, tuple[str, ...]]] = []
    total = 0
    for row in rows:
        if start <= total < start + most:
            window.append((total + 1, _cells(row, len(header))))
        total += 1
    shown = _cells(header, len(header))
    numeric = tuple(
        bool(window) and all(_is_number(cells[column]) for _line, cells in window)
        for column in range(len(shown))
    )
    return Table(shown, numeric, tuple(window), total, len(header) - len(shown))


def records(text: str) -> Iterator[list[str]]:
    """Yield the rows of delimited text, blank lines left out; what separates cells is seen by the first line.

    :raises NoTableError: a cell is too long, or the quotes do not end
    """
    first = text[:20_000].partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                yield row
    except csv.Error as error:
        raise NoTableError(str(error)) from None


def _cells(row: list[str], width: int) -> tuple[str, ...]:
    width = min(width, MAX_COLUMNS)
    cells = [cell if len(cell) <= MAX_CELL else f"{cell[:MAX_CELL]}…" for cell in row[:width]]
    return (*cells, *[""] * (width - len(cells)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell == ""
    return True
