"""Values of files that DVC reads, taken only if they have the expected shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.errors import IntegrationError


def command_of(value: Any) -> str:
    """Return a command as one text; a list of commands has a line for each."""
    return "\n".join(texts_of(value)) if isinstance(value, list) else text_of(value)


def mapping_of(value: Any, place: str) -> Mapping[str, Any]:
    """Return a mapping, empty for nothing; permanent ``IntegrationError`` that names the place otherwise."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise IntegrationError(f"{place} is not a mapping.", permanent=True)
    return value


def list_of(value: Any) -> list[Any]:
    """Return a list; empty for anything else."""
    return value if isinstance(value, list) else []


def texts_of(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, leaving out what is none."""
    return tuple(item for item in list_of(value) if isinstance(item, str))


def text_of(value: Any) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def number_of(value: Any) -> int | None:
    """Return a whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
