"""Rules: the colour of each compared run, the same in every chart and table."""

from collections.abc import Iterable

#: The colours `--run-0` … of the style sheet.
COLOURS = 16


def colours(run_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of a colour for each run.

    A run has the colour that its id says, else the next that is free: it keeps it when others come or go, but
    for those that want the same. Beyond `COLOURS` runs colours come again.
    """
    found: dict[str, int] = {}
    free = set(range(COLOURS))
    for run_id in sorted(run_ids):
        free = free or set(range(COLOURS))
        wanted = sum(map(ord, run_id)) % COLOURS
        found[run_id] = min(free, key=lambda colour: (colour - wanted) % COLOURS)
        free.remove(found[run_id])
    return found
