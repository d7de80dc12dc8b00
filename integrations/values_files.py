"""Reading files of parameters and metrics (YAML, JSON, TOML) into flat values that any database can store."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from integrations.errors import IntegrationError
from integrations.yaml_text import MAX_BYTES, load_mapping

MAX_VALUES = 1_000
MAX_TEXT = 500
MAX_ITEMS = 50  # of a list
MAX_DEPTH = 20
SUFFIXES = frozenset({".yaml", ".yml", ".json", ".toml"})


def read_values(content: bytes, path: str) -> dict[str, Any]:
    """Return the values of a file by dotted key: numbers, truth values, texts, None, and lists of these.

    What is no finite number is its name ("NaN"), what is nested in a list is left out, and so is what goes
    beyond :data:`MAX_VALUES`. Permanent ``IntegrationError``: it cannot be read.
    """
    return dict(islice(_flat(_loaded(content, path), "", 0), MAX_VALUES))


def is_readable(path: str) -> bool:
    """Whether the name says that it is a file of values."""
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def _loaded(content: bytes, path: str) -> Mapping[Any, Any]:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (".yaml", ".yml"):
        return load_mapping(content, path)
    if len(content) > MAX_BYTES:
        raise IntegrationError(f"{path} is larger than {MAX_BYTES} bytes.", permanent=True)
    try:
        text = content.decode("utf-8")
        data = tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError):
        raise IntegrationError(f"{path} cannot be read.", permanent=True) from None
    if not isinstance(data, dict):
        raise IntegrationError(f"{path} does not hold a mapping.", permanent=True)
    return data


def _flat(data: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        name = f"{prefix}{_text(key)}"
        if isinstance(value, dict):
            if depth < MAX_DEPTH:
                yield from _flat(value, f"{name}.", depth + 1)
        elif isinstance(value, list):
            if not any(isinstance(item, dict | list) for item in value):
                yield name, [_plain(item) for item in value[:MAX_ITEMS]]
        else:
            yield name, _plain(value)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)[:MAX_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value).replace("nan", "NaN").replace("inf", "Infinity")
    return _text(value)


def _text(value: Any) -> str:
    return str(value)[:MAX_TEXT].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
