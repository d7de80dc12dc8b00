"""Rules of the audit chain: canonical form, hash, verification. No database, no Django.

Canonical form: JSON as RFC 8785 (JSON Canonicalization Scheme) writes it: keys sorted by UTF-16 code
units, no spaces, UTF-8, numbers as ECMAScript prints a double. So the bytes do not depend on whether an
entry was read back from SQLite (JSON text) or PostgreSQL (jsonb, which rewrites `1e22` as an integer).

- Numbers are doubles: `1` and `1.0` are the same; NaN, infinities and integers that a double would round are
  refused (write those as text).
- A datetime must be aware; it becomes UTC text with microseconds: `2026-01-31T09:30:00.000000Z`.
- U+0000 and lone surrogates are refused, because PostgreSQL and UTF-8 cannot hold them.

hash = hex(SHA-256(ASCII(prev_hash) + canonical(entry without prev_hash and hash))).
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

# The hash "before" the first entry. The text names the format: another format gets another start.
GENESIS = hashlib.sha256(b"stagegate audit chain, format 1").hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the chain as a plain record. `at` is aware, `data` is JSON-like."""

    sequence: int
    at: datetime
    event: str
    actor_id: str
    actor_name: str
    target_kind: str
    target_id: str
    target_name: str
    model_name: str
    data: Mapping[str, Any]
    prev_hash: str
    hash: str = ""


class Fault(NamedTuple):
    """The first place where a chain is broken."""

    sequence: int
    reason: str


def canonical(value: Any) -> str:
    """Return `value` as canonical JSON.

    Raises:
        ValueError: a value that has no canonical form (see the module's text); the message says which.
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime | date):
        return _text(instant(value) if isinstance(value, datetime) else value.isoformat())
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def instant(moment: datetime) -> str:
    """Return an aware datetime as UTC text with microseconds.

    Raises:
        ValueError: `moment` is naive, so that nobody knows which instant it means.
    """
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone has no canonical form")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def digest(link: Link) -> str:
    """Return the hash that `link` must carry (hex, 64 characters).

    Raises:
        ValueError: a field has no canonical form.
    """
    body = {field.name: getattr(link, field.name) for field in fields(link)}
    del body["hash"], body["prev_hash"]
    return hashlib.sha256((link.prev_hash + canonical(body)).encode()).hexdigest()


def verify(links: Iterable[Link], *, first: int = 1, prev_hash: str = GENESIS) -> Fault | None:
    """Return the first fault of a chain, or None where it is whole.

    Finds edits, deletions, insertions and reordering. A cut-off end looks like a shorter chain: that takes
    a checkpoint kept elsewhere.

    Args:
        links: the entries in the order of their sequence.
        first: sequence that the first of them must have.
        prev_hash: hash of the entry before `first`.
    """
    for expected, link in enumerate(links, start=first):
        if link.sequence != expected:
            return Fault(expected, f"entry {expected} is missing: entry {link.sequence} stands in its place")
        if link.prev_hash != prev_hash:
            return Fault(expected, "the entry does not follow the one before it")
        reason = _altered(link)
        if reason:
            return Fault(expected, reason)
        prev_hash = link.hash
    return None


def _altered(link: Link) -> str:
    try:
        return "" if digest(link) == link.hash else "the content does not match the hash"
    except ValueError as error:
        return f"the content cannot be hashed: {error}"


def _object(value: Mapping[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise ValueError("an object whose keys are not all text has no canonical form")
    ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{_text(key)}:{canonical(value[key])}" for key in ordered) + "}"


def _text(value: str) -> str:
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("text with U+0000 or a lone surrogate has no canonical form")
    return json.dumps(str(value), ensure_ascii=False)


def _number(value: float) -> str:
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    # A database may hand 2.3e17 back as the integer of its shortest digits, which is not the double exactly.
    if not math.isfinite(double) or value not in (double, Decimal(repr(double))):
        raise ValueError("a number that no finite double stands for has no canonical form")
    return "0" if double == 0 else _ecmascript(double)


def _ecmascript(double: float) -> str:
    """Print a finite, non-zero double as ECMAScript does (ECMA-262, Number::toString)."""
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = f"{abs(double)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Place the decimal point: the value is 0.`digits` times 10 to the power `point`."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
