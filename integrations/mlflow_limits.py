"""What MLflow accepts: names, lengths, batch sizes. Checked here, so that nothing is half written.

MLflow shortens a value that is too long without a word. Two long values that differ only at the end
would then look equal, so a value that must be shortened here ends in its full length and digest.
Names that MLflow refuses are an error, never rewritten: a renamed metric would not be found again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from integrations.errors import IntegrationError

MAX_METRICS_PER_BATCH = 1000
MAX_PAIRS_PER_BATCH = 100
MAX_BATCH_BYTES = 900_000
MAX_PARAM_VALUE = 6_000
MAX_TAG_VALUE = 8_000
MAX_VERSION_TAG_VALUE = 100_000
MAX_NAME = 250

_ENTITY_NAME = re.compile(r"[/\w.\- :]+")
_OUR_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")

Item = TypeVar("Item", bound=Mapping[str, Any])


def checked_name(name: str, kind: str) -> str:
    """Return `name` if MLflow takes it for a parameter, metric or tag; else a permanent error."""
    parts = name.split("/")
    if len(name) > MAX_NAME or not _ENTITY_NAME.fullmatch(name) or {"", ".", ".."} & set(parts):
        raise IntegrationError(
            f"MLflow does not accept the {kind} name {name[:80]!r}: use at most {MAX_NAME} letters, "
            "digits, '_', '-', '.', ' ', ':' and single '/'.",
            permanent=True,
        )
    return name


def checked_key(key: str) -> str:
    """Return `key` if it can serve as our idempotency key: it is put into a search expression."""
    if not _OUR_KEY.fullmatch(key):
        raise IntegrationError(f"{key[:80]!r} cannot be used as an idempotency key.", permanent=True)
    return key


def fitted(value: str, limit: int) -> str:
    """Return `value`, cut to `limit` characters with its length and SHA-256 at the end if longer."""
    if len(value) <= limit:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    mark = f"... [{len(value)} characters, sha256 {digest}]"
    return value[: limit - len(mark)] + mark


def batches(items: Iterable[Item], limit: int) -> Iterator[list[Item]]:
    """Split items so that each batch holds at most `limit` of them and fits one MLflow request."""
    batch: list[Item] = []
    size = 0
    for item in items:
        weight = len(json.dumps(item)) + 2
        if batch and (len(batch) == limit or size + weight > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch
