"""Very many values in a condition of a query, as one parameter: databases limit how many there may be."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Func, Value


class LongList(Func):
    """The rows of a list, for ``column__in=texts(values)`` or ``numbers(values)``."""

    def __init__(self, values: Iterable[int] | Iterable[str], kind: str) -> None:
        rows = "jsonb_array_elements_text(CAST(%(expressions)s AS jsonb))"
        self._on_postgresql = f"(SELECT CAST(value AS {kind}) FROM {rows})"  # noqa: S608 - of ours alone
        super().__init__(Value(json.dumps(list(values))))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return a subquery over SQLite's `json_each`."""
        template = "(SELECT value FROM json_each(%(expressions)s))"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return a subquery over an array."""
        return super().as_sql(compiler, connection, template=self._on_postgresql, **context)


def texts(values: Iterable[str]) -> LongList:
    """Return the rows of a list of texts."""
    return LongList(values, "text")


def numbers(values: Iterable[int]) -> LongList:
    """Return the rows of a list of whole numbers."""
    return LongList(values, "bigint")
