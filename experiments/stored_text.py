"""Rules: text of others, as our databases can store it. No database."""

from __future__ import annotations

CUT_MARK = "…"


def text(value: str, limit: int | None = None) -> str:
    """Return `value` without what databases refuse, cut to `limit` characters (the last one says so).

    PostgreSQL stores no NUL, and neither database half a surrogate pair.
    """
    clean = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if limit is None or len(clean) <= limit else clean[: limit - len(CUT_MARK)] + CUT_MARK
