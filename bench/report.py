"""The document that figures are written into, each kind between two marks of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

REPORT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def write(name: str, began: datetime, facts: Sequence[str], table: str) -> None:
    """Put the figures called `name` into the document, in place of those before."""
    begin, end = f"<!-- {name}: written by make bench -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = REPORT.read_text().partition(begin)
    _, _, after = rest.partition(end)
    said = "".join(f"- {fact}\n" for fact in facts)
    REPORT.write_text(f"{before}{begin}Measured on {began:%Y-%m-%d}.\n\n{said}\n{table}{end}{after}")
