"""Rules: tables as CSV, a line at a time. No database, no markup."""

import csv
import io
from collections.abc import Iterable

from accounts.csv_cells import neutral

#: First of all in a file; without it spreadsheets take Hangul for something else.
MARK = "\ufeff"


def line(values: Iterable[object]) -> str:
    """Return one line with its end."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


def cell(text: str) -> str:
    """Return a text that may be a number as a cell that is no formula."""
    try:
        # A negative number is no formula, and has to stay a number.
        float(text)
    except ValueError:
        return neutral(text)
    return text
