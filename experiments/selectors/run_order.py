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

from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    Exists,
    F,
    Field,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from experiments.models import Run, RunMetric, RunParam, RunTag
from experiments.run_columns import Column, parse
from experiments.selectors.run_matches import Matches

DEFAULT = "-started"
_FIELDS: dict[str, str] = {
    "name": "name",
    "experiment": "experiment__name",
    "status": "status",
    "started": "started_at",
    "duration": "duration",
    "user": "user",
}
#: Tables that hold what runs have in a column, by its kind.
TABLES: dict[str, Any] = {"metrics": RunMetric, "params": RunParam, "tags": RunTag}
_WIDE = ("metrics", "params", "tags", "inputs", "artifact_uri")
_MAX_CURSOR = 2_000
_LARGEST = 2**62


class CursorError(ValueError):
    """An address names a place in the list that cannot be read."""


class _Behind(Func):
    """``(a, b) > (x, y)``: a row compared with a row is what an index of both columns is entered by."""

    conditional = True
    output_field = BooleanField()

    def __init__(self, *parts: Any, operator: str = ">") -> None:
        super().__init__(*parts, operator=operator)

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the comparison, alike on both databases."""
        made = [compiler.compile(part) for part in self.get_source_expressions()]
        half = len(made) // 2
        left, right = (", ".join(sql for sql, _ in part) for part in (made[:half], made[half:]))
        params = [value for _, values in made for value in values]
        return f"({left}) {self.extra['operator']} ({right})", params


@dataclass(frozen=True)
class Phase:
    """Runs that have what they are ordered by.

    :ivar rows: of `Run`, or of a table that belongs to it
    :ivar keys: one or two columns that order them, the last one the run; in the same direction
    :ivar kind: type of the first of them
    :ivar looked_up: whether the first is looked up for each row; it may be None then, and such a row is none
    """

    rows: QuerySet[Any]
    keys: tuple[str, ...]
    down: bool
    kind: type = str
    looked_up: bool = False

    def ordered(self, *, backwards: bool = False) -> QuerySet[Any]:
        """Return the rows in their order, or in the opposite one."""
        down = self.down != backwards
        # Those that are none come last, and are cut off: a condition would look everything up once more.
        last = True if self.looked_up else None
        first, *others = self.keys
        order = [F(first).desc(nulls_last=last) if down else F(first).asc(nulls_last=last)]
        return self.rows.order_by(*order, *(F(key).desc() if down else F(key).asc() for key in others))

    def behind(self, place: Sequence[Any], *, backwards: bool = False) -> QuerySet[Any]:
        """Return the rows behind `place` (values of `keys`) in their order."""
        operator = "<" if self.down != backwards else ">"
        values = [Value(value, self._field(key)) for key, value in zip(self.keys, place, strict=True)]
        return self.ordered(backwards=backwards).filter(
            _Behind(*(F(key) for key in self.keys), *values, operator=operator)
        )

    def places(self, rows: QuerySet[Any], first: int, last: int) -> list[tuple[Any, ...]]:
        """Return the `keys` of `rows`, some of this phase, from number `first` to before `last`."""
        found = list(rows.values_list(*self.keys)[first:last])
        return [place for place in found if place[0] is not None] if self.looked_up else found

    def count(self) -> int:
        """Return how many runs there are. One query."""
        rows = self.rows.filter(**{f"{self.keys[0]}__isnull": False}) if self.looked_up else self.rows
        return rows.order_by().count()

    def _field(self, key: str) -> "Field[Any, Any]":
        if key in ("pk", "run_id"):
            return BigIntegerField()
        return (
            DateTimeField() if self.kind is datetime else FloatField() if self.kind is float else CharField()
        )


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


def phases(found: Matches, sort: str) -> list[Phase]:
    """Return the order `sort` of runs (``-`` in front: descending); an order not known is the default."""
    sort = sort if is_known(sort) else DEFAULT
    name, down = sort.removeprefix("-"), sort.startswith("-")
    column = parse(name)
    rows = found.all()
    if column is not None:
        return [*_by_column(found, column, down=down), *_rest(rows.filter(~_has(column)))]
    field = _FIELDS[name]
    if name == "started":
        return _newest(rows, down=down)
    if name in ("experiment", "status"):
        return [Phase(rows, (field, "pk"), down)]
    empty = Q(duration__isnull=True) if name == "duration" else Q(**{field: ""})
    kind = float if name == "duration" else str
    return [Phase(rows.filter(~empty), (field, "pk"), down, kind), *_rest(rows.filter(empty))]


def page(
    found: Matches, sort: str, size: int, *, after: str = "", before: str = "", wide: bool = False
) -> Slice:
    """Return the page of `size` runs behind the cursor `after`, or in front of `before`, or the first one.

    The runs have their experiments. As many queries as the order has phases at most, and one.

    :param wide: whether their metrics, parameters and tags are read at once, too
    :raises CursorError: a cursor is not one of this order
    """
    order = phases(found, sort)
    backwards = bool(before)
    start = _read(before or after, order)
    walk = list(enumerate(order))
    if start is not None:
        walk = walk[: start[0] + 1][::-1] if backwards else walk[start[0] :]
    places: list[tuple[int, tuple[Any, ...]]] = []
    for number, phase in walk:
        if start is not None and number == start[0]:
            part = phase.behind(start[1], backwards=backwards)
        else:
            part = phase.ordered(backwards=backwards)
        places += [(number, place) for place in phase.places(part, 0, size + 1 - len(places))]
        if len(places) > size:
            break
    more = len(places) > size
    kept = places[:size][::-1] if backwards else places[:size]
    return Slice(
        _runs([place[-1] for _, place in kept], wide=wide),
        after=_cursor(*kept[-1]) if kept and (more or backwards) else "",
        before=_cursor(*kept[0]) if kept and (more if backwards else start is not None) else "",
    )


def at(found: Matches, sort: str, offset: int, size: int) -> list[Run]:
    """Return `size` whole runs from number `offset` (counting from 0) on; far pages cost more."""
    keys: list[int] = []
    for phase in phases(found, sort):
        part = phase.places(phase.ordered(), offset, offset + size - len(keys))
        keys += [place[-1] for place in part]
        if len(keys) >= size:
            break
        offset = 0 if part else max(0, offset - phase.count())
    return _runs(keys, wide=True)


def _runs(keys: Sequence[int], *, wide: bool) -> list[Run]:
    """Return the runs with these primary keys in this order, with their experiments. One query."""
    rows = Run.objects.select_related("experiment").defer("experiment__tags")
    found = (rows if wide else rows.defer(*_WIDE)).order_by().in_bulk(keys)
    # A run may have gone since its key was read.
    return [found[key] for key in keys if key in found]


def _by_column(found: Matches, column: Column, *, down: bool) -> list[Phase]:
    """Return the phases of the runs that have `column`: those with a number, then those with a text."""
    if column.kind != "params":
        return [_phase(found, column, "value", down, float if column.is_metric else str)]
    numbers = _phase(found, column, "number", down, float)
    return [numbers, _phase(found, column, "value", down, str)]


def _phase(found: Matches, column: Column, field: str, down: bool, kind: type) -> Phase:
    values = TABLES[column.kind].objects.filter(key=column.key, **{f"{field}__isnull": False})
    if column.kind == "params" and kind is str:
        values = values.filter(number__isnull=True)
    if found.driver is None:
        return Phase(found.among(values.filter(found.bound(column))), (field, "run_id"), down, kind)
    # A value looked up for each run, so that nobody begins at the index of the values instead.
    place = Subquery(values.filter(run=OuterRef("pk")).values(field)[:1])
    return Phase(found.all().annotate(place=place), ("place", "pk"), down, kind, looked_up=True)


def _has(column: Column) -> Exists:
    rows = TABLES[column.kind].objects.filter(run=OuterRef("pk"), key=column.key)
    return Exists(rows.filter(value__isnull=False) if column.is_metric else rows)


def _newest(rows: QuerySet[Run], *, down: bool) -> list[Phase]:
    return [
        Phase(rows.filter(started_at__isnull=False), ("started_at", "pk"), down, datetime),
        Phase(rows.filter(started_at__isnull=True), ("pk",), True, float),
    ]


def _rest(rows: QuerySet[Run]) -> list[Phase]:
    return _newest(rows, down=True)


def _cursor(number: int, place: Sequence[Any]) -> str:
    plain = [one.isoformat() if isinstance(one, datetime) else one for one in place]
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
