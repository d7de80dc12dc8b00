"""Reading YAML that others wrote: the 1.2 dialect that DVC reads, no tags that make objects, bounded size."""

from __future__ import annotations

from typing import Any

import yaml

from integrations import yaml_events
from integrations.errors import IntegrationError

MAX_BYTES = 300_000
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
        data = yaml_events.load(raw.decode("utf-8"), MAX_NODES)
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise IntegrationError(f"{name} is not valid YAML: {reason}", permanent=True) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise IntegrationError(f"{name} does not hold a mapping.", permanent=True)
    return data
