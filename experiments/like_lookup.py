"""SQL's LIKE and ILIKE with the pattern of whoever asks, alike on both databases.

SQLite's LIKE does not tell capitals from small letters, so there its GLOB stands in for LIKE, with the
pattern rewritten; its LIKE stands in for ILIKE and knows the letters of ASCII only.
"""

import re
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Lookup

if TYPE_CHECKING:
    _Lookup = Lookup[str]
else:
    _Lookup = Lookup  # not subscriptable at run time


@CharField.register_lookup
class Like(_Lookup):
    """``column LIKE pattern``: ``%`` is any text, ``_`` any character; nothing escapes them."""

    lookup_name = "sql_like"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the comparison for PostgreSQL."""
        return self._compared(compiler, connection, "LIKE", "")

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the comparison for SQLite."""
        # A copy: a query may be compiled more than once.
        globbed = Like(self.lhs, _glob(str(self.rhs)))
        return globbed._compared(compiler, connection, "GLOB", None)

    def _compared(
        self, compiler: Any, connection: Any, operator: str, escape: str | None
    ) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        # An empty ESCAPE switches PostgreSQL's backslash off.
        ending = "" if escape is None else f" ESCAPE '{escape}'"
        return f"{left} {operator} {right}{ending}", (*left_params, *right_params)


@CharField.register_lookup
class ILike(Like):
    """As `Like`, whatever the case of the letters."""

    lookup_name = "sql_ilike"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the comparison for PostgreSQL."""
        return self._compared(compiler, connection, "ILIKE", "")

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the comparison for SQLite."""
        return self._compared(compiler, connection, "LIKE", None)


def _glob(pattern: str) -> str:
    """Return a LIKE pattern as SQLite's GLOB; repeated ``%`` become one, which keeps matching fast."""
    swapped = {"*": "[*]", "?": "[?]", "[": "[[]", "%": "*", "_": "?"}
    return "".join(swapped.get(character, character) for character in re.sub("%+", "%", pattern))
