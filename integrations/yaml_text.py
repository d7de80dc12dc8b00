"""Reading YAML that others wrote: the 1.2 dialect that DVC reads, no tags that make objects, bounded size."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from integrations.errors import IntegrationError

MAX_BYTES = 300_000  # the parser takes about 14 s for one million bytes
MAX_NODES = 200_000


def load_mapping(text: str | bytes, name: str, *, max_bytes: int = MAX_BYTES) -> dict[Any, Any]:
    """Parse a document whose top is a mapping (or nothing); ``name`` says in errors which file it was.

    Permanent ``IntegrationError`` if it is no YAML, something else than a mapping, larger than ``max_bytes``,
    or grows beyond all measure by aliases (counted as often as they are used).
    """
    raw = text.encode("utf-8") if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise IntegrationError(f"{name} is larger than {max_bytes} bytes.", permanent=True)
    try:
        data = YAML(typ="safe", pure=True).load(raw.decode("utf-8"))
        _count(data, MAX_NODES)
    except (YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise IntegrationError(f"{name} is not valid YAML: {reason}", permanent=True) from None
    except RecursionError:
        raise IntegrationError(f"{name} is nested too deeply.", permanent=True) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise IntegrationError(f"{name} does not hold a mapping.", permanent=True)
    return data


def _count(node: Any, room: int) -> int:
    """Return the room that is left after counting ``node`` and everything below it."""
    if room <= 0:
        raise ValueError("too many values")
    if isinstance(node, dict):
        for value in node.values():
            room = _count(value, room - 1)
    elif isinstance(node, list):
        for value in node:
            room = _count(value, room - 1)
    return room
