"""Rules: JSON in the canonical form of RFC 8785, a second time, for programs that run without the product.

`audit.chain` writes the form that the trail is hashed in; what checks it shares no code with it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def canonical(value: Any) -> str:
    """Return a JSON value in the canonical form of RFC 8785; a ValueError says that it has none."""
    if isinstance(value, int | float | None):
        return _number(value) if value is not None and type(value) is not bool else json.dumps(value)
    if isinstance(value, str):
        if re.search("[\x00\ud800-\udfff]", value):
            raise ValueError("text with U+0000 or a lone surrogate has no canonical form")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in ordered) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def _number(value: float) -> str:
    double = math.inf if abs(value) > sys.float_info.max else float(value)
    if not math.isfinite(double) or value not in (double, Decimal(repr(double))):
        raise ValueError("a number that no finite double stands for has no canonical form")
    if double == 0:
        return "0"
    # ECMA-262, Number::toString: the value is 0.`digits` times 10 to the power `point`.
    _, numerals, exponent = Decimal(repr(abs(double))).normalize().as_tuple()
    digits, sign = "".join(map(str, numerals)), "-" if double < 0 else ""
    point = len(digits) + int(exponent)
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
