"""What a filter asks for, as a condition on the rows of `Run`.

Each condition on a metric, parameter or tag asks whether the run has a row in the narrow table of that kind,
so that a database finds it by an index whatever else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact, In
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from experiments import like_lookup  # noqa: F401  registers its lookups
from experiments.filters import SPANS, TIMES, All, Condition, Either, Expression, FilterError, Not
from experiments.mirror_values import MAX_FILTER_VALUE, moment
from experiments.models import RunMetric, RunParam, RunTag

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RELATIVE = re.compile(r"-(\d{1,6})([smhdw])")
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhdw]?)")
_ORDERED = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_TABLES: dict[str, Any] = {"metrics": RunMetric, "params": RunParam, "tags": RunTag}
_COLUMNS = {
    "name": "name",
    "status": "status",
    "user": "user",
    "id": "run_id",
    "experiment": "experiment__name",
    "experiment_id": "experiment__experiment_id",
    "artifact_uri": "artifact_uri",
    "start": "started_at",
    "end": "ended_at",
}


@dataclass(frozen=True)
class Driver:
    """A part of a filter that alone tells which runs can pass, by an index.

    :ivar parts: the conditions that it stands for; they need not be asked again
    :ivar ids: primary keys of the runs that pass it
    """

    parts: tuple[Expression, ...]
    ids: QuerySet[Any, Any]


def condition(expression: Expression, *, now: datetime | None = None, without: Driver | None = None) -> Q:
    """Return `expression` as a condition on `Run`.

    :param now: what times like ``-7d`` count from
    :param without: what is asked in another way; it has to be one of the `drivers` of `expression`
    :raises FilterError: a value does not fit what it is compared with
    """
    now = now or timezone.now()
    asked = [part for part in _together(expression) if without is None or part not in without.parts]
    found = Q()
    for part in asked:
        found &= _part(part, now)
    return found


def drivers(expression: Expression) -> Iterator[Driver]:
    """Yield the parts of `expression` by which an index finds every run that can pass.

    :raises FilterError: a value does not fit what it is compared with
    """
    for part in _together(expression):
        asked = part.parts if isinstance(part, Either) else (part,)
        found = [_stored(one) for one in asked if isinstance(one, Condition) and _is_stored(one)]
        # What is compared in full, too, has to be asked again.
        kept = () if any(more for _rows, more in found) else (part,)
        if len(found) == len(asked):
            ids = [rows.values("run_id") for rows, _more in found]
            yield Driver(kept, ids[0] if len(ids) == 1 else ids[0].union(*ids[1:]))


def joined(drivers: Sequence[Driver]) -> Driver:
    """Return the first of `drivers` with as many of the others as one query can have together with it."""
    first, *others = drivers
    # A query that is made of several cannot be a part of one.
    simple = [one for one in others if not one.ids.query.combinator]
    if not simple or first.ids.query.combinator:
        return first
    parts = tuple(part for one in (first, *simple) for part in one.parts)
    together = first.ids.order_by().intersection(*(one.ids.order_by() for one in simple))
    return Driver(parts, together)


def bound(expression: Expression, kind: str, key: str) -> Q:
    """Return what `expression` asks of one metric or parameter, as a condition on the rows of its table."""
    found = Q()
    for part in _together(expression):
        if (
            isinstance(part, Condition)
            and (part.field.kind, part.field.key) == (kind, key)
            and _is_stored(part)
        ):
            found &= _compared(part)
    return found


def _together(expression: Expression) -> list[Expression]:
    """Return the parts that have to hold together."""
    if isinstance(expression, All):
        return [part for inner in expression.parts for part in _together(inner)]
    return [expression]


def _part(expression: Expression, now: datetime) -> Q:
    if isinstance(expression, Condition):
        return _condition(expression, now)
    if isinstance(expression, Not):
        return ~condition(expression.part, now=now)
    parts = [condition(part, now=now) for part in expression.parts]
    found = parts[0]
    for part in parts[1:]:
        found = found & part if isinstance(expression, All) else found | part
    return found


def _condition(asked: Condition, now: datetime) -> Q:
    if asked.field.kind in _TABLES:
        if asked.operator == "null":
            return ~Q(_of_run(_present(asked)))
        rows, more = _stored(asked)
        return Q(_of_run(rows)) & more
    if asked.field.key in TIMES:
        return _time(asked, now)
    if asked.field.key in SPANS:
        return _duration(asked)
    return _attribute(asked)


def _is_stored(asked: Condition) -> bool:
    """Say whether a narrow table tells which runs pass."""
    return asked.field.kind in _TABLES and asked.operator != "null"


def _present(asked: Condition) -> QuerySet[Any]:
    found: QuerySet[Any] = _TABLES[asked.field.kind].objects.filter(key=asked.field.key)
    return found


def _of_run(rows: QuerySet[Any]) -> Exists:
    return Exists(rows.filter(run=OuterRef("pk")))


def _stored(asked: Condition) -> tuple[QuerySet[Any], Q]:
    """Return the rows of the narrow table that pass, and what their runs have to pass besides."""
    if asked.field.kind == "metrics" and asked.operator in ("like", "ilike"):
        raise _error(asked, "A metric is a number, so it cannot be compared with a pattern.")
    more = Q()
    if asked.field.kind != "metrics" and not _is_number(asked) and _is_cut(asked):
        more = _in_full(asked)
    return _present(asked).filter(_compared(asked)), more


def _compared(asked: Condition) -> Q:
    """Return the comparison with a row of the narrow table, which may hold the beginning of a text only."""
    if asked.field.kind == "metrics":
        return _numbers(asked, "value")
    if _is_number(asked):
        return _numbers(asked, "number")
    if not _is_cut(asked):
        return _texts(asked, "value")
    if asked.operator in ("=", "in"):
        return Q(value__in=[_text(value)[:MAX_FILTER_VALUE] for value in asked.values])
    return Q()


def _is_number(asked: Condition) -> bool:
    """Say whether a parameter is compared as a number."""
    numeric = asked.operator in _ORDERED or all(isinstance(value, float) for value in asked.values)
    return asked.field.kind == "params" and numeric


def _is_cut(asked: Condition) -> bool:
    """Say whether a text is longer than what the narrow table holds of it."""
    return any(len(_text(value)) >= MAX_FILTER_VALUE for value in asked.values)


def _in_full(asked: Condition) -> Q:
    """Return the comparison of a long text with the whole run."""
    full = KeyTextTransform(asked.field.key, asked.field.kind)
    if asked.operator in ("=", "in"):
        return Q(In(full, [_text(value) for value in asked.values]))
    if asked.operator == "!=":
        return ~Q(Exact(full, Value(_text(asked.values[0]))))
    raise _error(asked, f"A pattern has less than {MAX_FILTER_VALUE} characters.")


def _attribute(asked: Condition) -> Q:
    column = _COLUMNS[asked.field.key]
    if asked.operator == "null":
        return Q(**{column: ""})
    return _texts(asked, column)


def _time(asked: Condition, now: datetime) -> Q:
    column = _COLUMNS[asked.field.key]
    if asked.operator == "null":
        return Q(**{f"{column}__isnull": True})
    if asked.operator in ("like", "ilike", "in"):
        raise _error(asked, "A time is compared by =, !=, <, <=, > or >=.")
    value = _instant(asked, asked.values[0], now)
    if asked.operator == "!=":
        return ~Q(**{column: value}) & Q(**{f"{column}__isnull": False})
    return Q(**{f"{column}__{_ORDERED.get(asked.operator, 'exact')}": value})


def _duration(asked: Condition) -> Q:
    if asked.operator == "null":
        return Q(duration__isnull=True)
    if asked.operator not in _ORDERED:
        raise _error(asked, "A duration is compared by <, <=, > or >=.")
    match = _SPAN.fullmatch(str(asked.values[0]).strip())
    if match is None:
        raise _error(asked, 'A duration is a number of seconds, or a text such as "90s", "15m" or "2h".')
    milliseconds = round(float(match[1]) * _UNITS[match[2] or "s"] * 1000)
    return Q(**{f"duration__{_ORDERED[asked.operator]}": milliseconds})


def _numbers(asked: Condition, column: str) -> Q:
    numbers = [_number(asked, value) for value in asked.values]
    if asked.operator == "in":
        return Q(**{f"{column}__in": numbers})
    if asked.operator == "!=":
        return ~Q(**{column: numbers[0]}) & Q(**{f"{column}__isnull": False})
    return Q(**{f"{column}__{_ORDERED.get(asked.operator, 'exact')}": numbers[0]})


def _number(asked: Condition, value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _error(asked, f"{asked.field} is compared with a number here, and {value!r} is none.") from None


def _texts(asked: Condition, column: str) -> Q:
    """Return the comparison of a text column."""
    if asked.operator in _ORDERED:
        raise _error(asked, f"{asked.field} is a text: it is compared by =, !=, like, ilike or in.")
    values = [_text(value) for value in asked.values]
    if asked.operator in ("like", "ilike"):
        return Q(**{f"{column}__sql_{asked.operator}": re.sub("%+", "%", values[0])})
    if asked.operator == "!=":
        return ~Q(**{column: values[0]})
    return Q(**{f"{column}__in": values})


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _instant(asked: Condition, value: float | str, now: datetime) -> datetime:
    if isinstance(value, float):
        # To MLflow 0 means that there is no time; who writes it in a filter means the first instant.
        found = moment(int(value) or 1) if abs(value) < 1e17 else None
    else:
        found = _relative(value, now) or _absolute(value)
    if found is None:
        hint = 'A time is written "-7d" (s, m, h, d, w), "2026-01-31", "2026-01-31 12:00" or in milliseconds.'
        raise _error(asked, hint)
    return found


def _relative(value: str, now: datetime) -> datetime | None:
    match = _RELATIVE.fullmatch(value.strip())
    if match is None:
        return None
    try:
        return now - timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError:
        return None


def _absolute(value: str) -> datetime | None:
    try:
        day = parse_date(value.strip())
        found = parse_datetime(value.strip()) if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001
    except ValueError:
        return None
    if found is None:
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found, timezone.get_current_timezone())


def _error(asked: Condition, message: str) -> FilterError:
    return FilterError(message, asked.start, asked.end)
