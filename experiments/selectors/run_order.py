"""The order of a list of runs, and pages of it by keyset: the next page costs what the first one did.

An order is a row of phases, each of which a database reads along one index: first the runs that have what is
sorted by, then those that do not, the newest first. A page takes what it needs from one phase and goes on
with the next; its cursor names the phase and the last row there.
"""

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet

from experiments.models import Run, RunMetric, RunParam
from experiments.run_columns import Column, parse

DEFAULT = "-started"
_FIELDS: dict[str, str] = {
    "name": "name",
    "experiment": "experiment__name",
    "status": "status",
    "started": "started_at",
    "duration": "duration",
    "user": "user",
}
_MAX_CURSOR = 2_000
_LARGEST = 2**62


class CursorError(ValueError):
    """An address names a place in the list that cannot be read."""


@dataclass(frozen=True)
class Phase:
    """Runs that have what they are ordered by.

    :ivar keys: one or two columns that order them, the last one a number and unique; in the same direction
    :ivar kind: type of the first of them
    """

    rows: QuerySet[Run]
    keys: tuple[str, ...]
    down: bool
    kind: type = str

    def ordered(self, *, backwards: bool = False) -> QuerySet[Run]:
        """Return the runs in their order, or in the opposite one."""
        down = self.down != backwards
        return self.rows.order_by(*(F(key).desc() if down else F(key).asc() for key in self.keys))

    def behind(self, place: Sequence[Any], *, backwards: bool = False) -> QuerySet[Run]:
        """Return the runs behind `place` (values of `keys`) in their order."""
        below = self.down != backwards
        strict, loose = ("lt", "lte") if below else ("gt", "gte")
        # The first key, or the second where the first is equal; the bound is what an index can begin at.
        bound = Q(**{f"{self.keys[0]}__{loose}": place[0]})
        later = Q(**{f"{self.keys[0]}__{strict}": place[0]})
        for key, value in zip(self.keys[1:], place[1:], strict=True):
            later |= Q(**{f"{key}__{strict}": value})
        return self.ordered(backwards=backwards).filter(bound & later)

    def place(self, run: Run) -> list[Any]:
        """Return where `run`, read from `ordered`, stands."""
        return [getattr(run, f"place_{number}") for number in range(len(self.keys))]


@dataclass(frozen=True)
class Slice:
    """One page.

    :ivar after: cursor of the next page, `before`: of the one before; empty where there is none
    """

    runs: list[Run]
    after: str = ""
    before: str = ""


def is_known(sort: str) -> bool:
    """Say whether `sort` names a column that runs can be ordered by."""
    name = sort.removeprefix("-")
    return name in _FIELDS or parse(name) is not None


def phases(rows: QuerySet[Run], sort: str) -> list[Phase]:
    """Return the order `sort` of `rows` (``-`` in front: descending); an order not known is the default."""
    sort = sort if is_known(sort) else DEFAULT
    name, down = sort.removeprefix("-"), sort.startswith("-")
    column = parse(name)
    if column is not None:
        return [*_by_column(rows, column, down=down), *_rest(rows.filter(~_has(column)))]
    field = _FIELDS[name]
    if name == "started":
        return _newest(rows, down=down)
    if name in ("experiment", "status"):
        return [Phase(rows, (field, "pk"), down)]
    empty = Q(duration__isnull=True) if name == "duration" else Q(**{field: ""})
    kind = float if name == "duration" else str
    return [Phase(rows.filter(~empty), (field, "pk"), down, kind), *_rest(rows.filter(empty))]


def page(rows: QuerySet[Run], sort: str, size: int, *, after: str = "", before: str = "") -> Slice:
    """Return the page of `size` runs behind the cursor `after`, or in front of `before`, or the first one.

    As many queries as the order has phases, at most.

    :raises CursorError: a cursor is not one of this order
    """
    order = phases(rows, sort)
    backwards = bool(before)
    start = _read(before or after, order)
    walk = list(enumerate(order))
    if start is not None:
        walk = walk[: start[0] + 1][::-1] if backwards else walk[start[0] :]
    found: list[tuple[int, Run]] = []
    for number, phase in walk:
        if start is not None and number == start[0]:
            part = phase.behind(start[1], backwards=backwards)
        else:
            part = phase.ordered(backwards=backwards)
        wanted = size + 1 - len(found)
        placed = part.annotate(**{f"place_{index}": F(key) for index, key in enumerate(phase.keys)})
        found += [(number, run) for run in placed[:wanted]]
        if len(found) > size:
            break
    more = len(found) > size
    kept = found[:size][::-1] if backwards else found[:size]
    return Slice(
        [run for _, run in kept],
        after=_cursor(order, kept[-1]) if kept and (more or backwards) else "",
        before=_cursor(order, kept[0]) if kept and (more if backwards else start is not None) else "",
    )


def at(rows: QuerySet[Run], sort: str, offset: int, size: int) -> list[Run]:
    """Return `size` runs from number `offset` (counting from 0) on. Far pages cost more than near ones."""
    found: list[Run] = []
    for phase in phases(rows, sort):
        part = list(phase.ordered()[offset : offset + size - len(found)])
        found += part
        if len(found) >= size:
            break
        offset = 0 if part else max(0, offset - phase.rows.order_by().count())
    return found


def _by_column(rows: QuerySet[Run], column: Column, *, down: bool) -> list[Phase]:
    relation = "latest" if column.is_metric else "filter_params"
    # A join with the rows of this key alone, read along their index.
    joined = rows.annotate(
        sorted_by=FilteredRelation(relation, condition=Q(**{f"{relation}__key": column.key}))
    )
    if column.is_metric:
        return [_joined(joined.filter(sorted_by__value__isnull=False), "value", down, float)]
    numbers = joined.filter(sorted_by__number__isnull=False)
    texts = joined.filter(sorted_by__number__isnull=True, sorted_by__value__isnull=False)
    return [_joined(numbers, "number", down, float), _joined(texts, "value", down, str)]


def _joined(rows: QuerySet[Run], column: str, down: bool, kind: type) -> Phase:
    return Phase(rows, (f"sorted_by__{column}", "sorted_by__run"), down, kind)


def _has(column: Column) -> Exists:
    if column.is_metric:
        return Exists(RunMetric.objects.filter(run=OuterRef("pk"), key=column.key, value__isnull=False))
    return Exists(RunParam.objects.filter(run=OuterRef("pk"), key=column.key))


def _newest(rows: QuerySet[Run], *, down: bool) -> list[Phase]:
    return [
        Phase(rows.filter(started_at__isnull=False), ("started_at", "pk"), down, datetime),
        Phase(rows.filter(started_at__isnull=True), ("pk",), True, float),
    ]


def _rest(rows: QuerySet[Run]) -> list[Phase]:
    return _newest(rows, down=True)


def _cursor(order: Sequence[Phase], row: tuple[int, Run]) -> str:
    number, run = row
    plain = [one.isoformat() if isinstance(one, datetime) else one for one in order[number].place(run)]
    return base64.urlsafe_b64encode(json.dumps([number, *plain]).encode()).decode().rstrip("=")


def _read(cursor: str, order: Sequence[Phase]) -> tuple[int, list[Any]] | None:
    if not cursor:
        return None
    try:
        padded = cursor[:_MAX_CURSOR] + "=" * (-len(cursor) % 4)
        number, *place = json.loads(base64.urlsafe_b64decode(padded))
        phase = order[number]
        if number < 0 or len(place) != len(phase.keys):
            raise CursorError("This is no place in this list.")
        return number, [_value(phase.kind, place[0]), *(_value(float, value) for value in place[1:])]
    except (ValueError, TypeError, IndexError, KeyError, binascii.Error, RecursionError) as error:
        raise CursorError("This is no place in this list.") from error


def _value(kind: type, value: Any) -> Any:
    """Return one value of a cursor with the type of its column; a cursor may have been made by anybody."""
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is str:
        fits = isinstance(value, str) and "\0" not in value
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # JSON reads 1e999 as infinity, and a database has no larger whole numbers.
        fits = is_number and (math.isfinite(value) if isinstance(value, float) else abs(value) < _LARGEST)
    if not fits:
        raise CursorError("This is no place in this list.")
    return value
