"""Rules: what the parameters of a sweep may be. No database, no Django.

Text of a form and JSON of REST end as the same `Dimension`. A text is one value, several with commas in
between (lists: one a line), or a range of numbers: ``1..9 step 2``, ``1e-4..1e-1 log``,
``8..64 log step 2``. With a step a range is the list of its values; on a logarithmic scale a step is what
each value is multiplied by. Every value passes the same checks as a value of the run form.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from experiments.parameter_values import (
    MAX_FORM_TEXT,
    Parameter,
    ParameterErrors,
    Value,
    identical,
    validate_overrides,
)

MAX_VALUES = 1000

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = re.compile(
    rf"\s*(?P<low>{_NUMBER}?)\s*\.\.\s*(?P<high>{_NUMBER})"
    rf"(?:\s+(?P<log>log))?(?:\s+step\s+(?P<step>{_NUMBER}))?(?:\s+(?P<late>log))?\s*"
)
_RANGE_FIELDS = {"low", "high", "step", "log"}


class SpaceErrors(ValueError):  # noqa: N818 - it holds several errors
    """A space that is refused.

    :ivar errors: parameter -> what is wrong with what it may be
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key[:200]} {text}" for key, text in errors.items()))
        self.errors = dict(errors)


class _RefusedError(Exception):
    """What a parameter may be is refused; the text is for the person."""


@dataclass(frozen=True)
class Dimension:
    """What one parameter may be.

    :ivar values: all of them; empty for a range without a step
    :ivar low: the smallest number of such a range, `high` its largest; both belong to it
    :ivar log: whether numbers are drawn on a logarithmic scale
    :ivar whole: whether they are whole numbers
    """

    key: str
    values: tuple[Value, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    whole: bool = False

    @property
    def size(self) -> int | None:
        """How many values there are; None for numbers between two others."""
        if self.values:
            return len(self.values)
        return int(self.high) - int(self.low) + 1 if self.whole else None

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to choose."""
        return self.size == 1

    def stored(self) -> dict[str, Any]:
        """Return it as JSON; `load` reads it."""
        if self.values:
            return {"values": list(self.values)}
        return {"low": self.low, "high": self.high, "log": self.log, "whole": self.whole}


def load(space: Mapping[str, Mapping[str, Any]]) -> list[Dimension]:
    """Return a space out of what `Dimension.stored` gave, by parameter."""
    return [
        Dimension(key, tuple(one.get("values", ())), **{name: one[name] for name in one if name != "values"})
        for key, one in space.items()
    ]


def read(parameters: Sequence[Parameter], space: Mapping[str, object]) -> list[Dimension]:
    """Return what each parameter of `space` may be, in the order of the parameters file.

    :param parameters: those of the commit
    :param space: name -> text, or ``{"value": …}``, ``{"values": […]}``, ``{"low", "high", "step", "log"}``
    :raises SpaceErrors: something is refused; all of it is named
    """
    known = {parameter.key: parameter for parameter in parameters}
    found: dict[str, Dimension] = {}
    errors: dict[str, str] = {}
    for key, raw in space.items():
        try:
            found[key] = _dimension(_known(known, key), raw)
        except _RefusedError as refused:
            errors[str(key)] = str(refused)
    if errors:
        raise SpaceErrors(errors)
    return [found[key] for key in known if key in found]


def _known(known: Mapping[str, Parameter], key: object) -> Parameter:
    if not isinstance(key, str) or key not in known:
        raise _RefusedError("is not a parameter of this repository")
    return known[key]


def _dimension(parameter: Parameter, raw: object) -> Dimension:
    if isinstance(raw, str):
        raw = _from_text(parameter, raw)
    if not isinstance(raw, Mapping):
        raise _RefusedError("must be one value, several, or a range")
    if raw.keys() == {"value"}:
        return _listed(parameter, [raw["value"]])
    if raw.keys() == {"values"} and isinstance(raw["values"], list):
        return _listed(parameter, raw["values"])
    if {"low", "high"} <= raw.keys() <= _RANGE_FIELDS:
        return _range(parameter, raw)
    raise _RefusedError("must be one value, several, or a range")


def _from_text(parameter: Parameter, text: str) -> Mapping[str, object]:
    if len(text) > MAX_FORM_TEXT:
        raise _RefusedError(f"is too long: at most {MAX_FORM_TEXT} characters")
    if text == parameter.default:
        return {"value": text}
    match = _RANGE.fullmatch(text) if parameter.type in ("int", "float") else None
    if match is not None:
        given = {name: match[name] for name in ("low", "high", "step") if match[name] is not None}
        return {**given, "log": bool(match["log"] or match["late"])}
    if parameter.type == "list":
        return {"values": [line for line in text.splitlines() if line.strip()] or [text]}
    return {"values": [item.strip() for item in re.split(r"[,\r\n]+", text.strip(", \r\n\t"))]}


def _listed(parameter: Parameter, raw: Sequence[object]) -> Dimension:
    if not 1 <= len(raw) <= MAX_VALUES:
        raise _RefusedError(f"takes from 1 to {MAX_VALUES} values")
    values: list[Value] = []
    for item in raw:
        value = _checked(parameter, item)
        if not any(identical(value, one) for one in values):
            values.append(value)
    return Dimension(parameter.key, tuple(values))


def _range(parameter: Parameter, raw: Mapping[str, object]) -> Dimension:
    if parameter.type not in ("int", "float"):
        raise _RefusedError("is no number, so it cannot be a range; list its values")
    log = raw.get("log", False)
    if not isinstance(log, bool):
        raise _RefusedError("has a scale that is neither linear nor logarithmic")
    low, high = (_number(parameter, raw[name]) for name in ("low", "high"))
    if not low < high:
        raise _RefusedError("has a range that does not begin below its end")
    if log and low <= 0:
        raise _RefusedError("has a logarithmic range, which begins above 0")
    if raw.get("step") is None:
        return Dimension(parameter.key, low=low, high=high, log=log, whole=parameter.type == "int")
    # The factor of a whole number need not be whole, as long as what comes of it is.
    step = _number(Parameter(parameter.key, "float", 0.0), raw["step"])
    return _listed(parameter, _steps(parameter, low, high, step, log))


def _steps(parameter: Parameter, low: float, high: float, step: float, log: bool) -> list[float]:
    """Return the values of a range; counted in decimals, as people write them."""
    if step <= (1 if log else 0):
        raise _RefusedError("has a step that leads nowhere")
    here, end, by = (Decimal(repr(number)) for number in (low, high, step))
    found: list[float] = []
    # A factor such as 10**0.5 does not quite reach the end.
    while here <= end or (log and math.isclose(here, end)):
        found.append(int(here) if parameter.type == "int" and here == int(here) else float(here))
        if len(found) > MAX_VALUES:
            raise _RefusedError(f"takes from 1 to {MAX_VALUES} values")
        here = here * by if log else here + by
    return found


def _number(parameter: Parameter, raw: object) -> float:
    value = _checked(parameter, raw)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError("must be a number, such as 0.5 or 3e-4")
    return value


def _checked(parameter: Parameter, raw: object) -> Value:
    try:
        return validate_overrides([parameter], {parameter.key: raw})[parameter.key]
    except ParameterErrors as error:
        raise _RefusedError(error.errors[parameter.key]) from None
