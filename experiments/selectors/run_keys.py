"""Keys and values that runs have, as completions offer them."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from experiments.filter_completion import Completion, Place, fixed, of_keys, of_values
from experiments.models import Experiment, Run
from experiments.selectors.run_order import TABLES
from experiments.selectors.runs import STATUSES

OFFERED = 12
_COLUMNS = {"name": "name", "user": "user"}


def completions(at: Place) -> list[Completion]:
    """Return how a filter may go on at `at`. At most as many queries as are offered, each along an index."""
    if at.kind == "key":
        rows = TABLES[at.field[0]].objects.all()
        return of_keys(at, _distinct(rows, "key", at.prefix))
    if at.kind == "value":
        return of_values(_values(at))
    return fixed(at)


def _values(at: Place) -> Iterator[str]:
    kind, key = at.field
    if kind in ("params", "tags"):
        return _distinct(TABLES[kind].objects.filter(key=key), "value", at.prefix)
    if kind == "attributes" and key in _COLUMNS:
        return _distinct(Run.objects.all(), _COLUMNS[key], at.prefix)
    if kind == "attributes" and key == "experiment":
        return _distinct(Experiment.objects.all(), "name", at.prefix)
    return (status for status in STATUSES if key == "status" and status.startswith(at.prefix.upper()))


def _distinct(rows: QuerySet[Any], column: str, prefix: str) -> Iterator[str]:
    """Yield the values of `column` that begin with `prefix`, in order.

    Each is looked for behind the one before: DISTINCT would read all of the many rows that have it.
    """
    ordered = rows.order_by(column).values_list(column, flat=True)
    after = {f"{column}__gte": prefix}
    for _ in range(OFFERED):
        found = ordered.filter(**after).first()
        if found is None or not found.startswith(prefix):
            return
        yield found
        after = {f"{column}__gt": found}
