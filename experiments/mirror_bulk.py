"""Upserts of many narrow rows: one prepared statement and plain values instead of a model object per row.

Measured with twenty parameters, twenty metrics and five tags a run, that takes a quarter of the time of
`bulk_create`, which was most of a first import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

_ROWS_PER_STATEMENT = 5_000
_ALL_OF = "SELECT * FROM unnest({})"


def upsert(
    table: type[models.Model], unique: Sequence[str], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert `rows`, or set `columns` of the rows that are there.

    :param unique: names of the fields that tell rows apart, in the order of a constraint
    :param rows: values of `unique`, then of `columns`
    """
    if not rows:
        return
    fields = [table._meta.get_field(name) for name in (*unique, *columns)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One array for each column: a statement of fixed text, however many rows there are.
            arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
            statement = _statement(table, fields, len(unique)).format(_ALL_OF.format(arrays))
            for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                part = zip(*rows[start : start + _ROWS_PER_STATEMENT], strict=True)
                cursor.execute(statement, [_array(*pair) for pair in zip(fields, part, strict=True)])
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(_statement(table, fields, len(unique)).format(f"VALUES ({marks})"), rows)


def _statement(table: type[models.Model], fields: Sequence[Any], unique: int) -> str:
    """Return the statement with a place for its rows; it holds names of our own tables and columns only."""
    names = [connection.ops.quote_name(field.column) for field in fields]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[unique:])
    into = f"INTO {connection.ops.quote_name(table._meta.db_table)} ({', '.join(names)})"
    return f"INSERT {into} {{}} ON CONFLICT ({', '.join(names[:unique])}) DO UPDATE SET {changes}"


def _array(field: Any, values: Sequence[Any]) -> list[Any]:
    """Return values of one column; the driver takes no array in which whole numbers stand among others."""
    if isinstance(field, models.FloatField):
        return [field.get_prep_value(value) for value in values]
    return list(values)


def _type(field: Any) -> str:
    return str(field.db_type(connection)).partition("(")[0]
