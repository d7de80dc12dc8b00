"""Parameters of a pipeline and the values that a person may give them. No database, no Django, no YAML.

A value may be typed already (JSON) or text (an HTML form); text is read strictly. Names and texts are limited
to characters that mean nothing to a shell, to Hydra (`key=value`, `~key`, `+key`, `file:key`) and to DVC
(`${...}`): a repository may write `${train.optimizer}` into the command of a stage, and DVC hands it to a
shell, so a free text would be a free command. A text that is empty, absolute, climbs up (`..`) or begins with
a hyphen is refused too: it would drop out of that command or become an option of it. What the repository
itself says is exempt: the default is always accepted.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

Scalar = int | float | bool | str | None
Value = Scalar | list[Any]
ParameterType = Literal["int", "float", "bool", "str", "list", "null", "other"]

MAX_KEY = 200
MAX_TEXT = 200
MAX_ITEMS = 100
#: Longest text from which a number or a list is read, in characters.
MAX_FORM_TEXT = 4000
#: Integers must fit 64 bits, as in the libraries that the training code hands them to.
MAX_INTEGER = 2**63 - 1

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
_KEY = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
_TEXT = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.,:@+/-]*")
_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Parameter:
    """One value of a parameters file.

    :ivar key: dotted name, such as ``train.learning_rate``
    :ivar type: type of the default; ``null`` takes any scalar, ``other`` is something that is only shown
    :ivar default: what the file says (text for ``other``)
    :ivar help: the comment beside or above it; text of the repository, to be escaped
    :ivar locked: why it cannot be changed here; empty when it can
    """

    key: str
    type: ParameterType
    default: Value
    help: str = ""
    locked: str = ""


class ParameterErrors(ValueError):  # noqa: N818 - it holds several errors
    """Overrides that are refused.

    :ivar errors: key as it was given -> what is wrong with it
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key[:MAX_KEY]!r} {message}" for key, message in errors.items()))
        self.errors = dict(errors)


class _RefusedError(Exception):
    """A value that is refused; the text is the message for the person."""


def is_safe_key(key: str) -> bool:
    """Return whether `key` consists of dotted names of letters, digits, `_` and `-`, and is not too long."""
    return len(key) <= MAX_KEY and _KEY.fullmatch(key) is not None


def validate_overrides(parameters: Sequence[Parameter], raw: Mapping[str, object]) -> dict[str, Value]:
    """Return the values of `raw` with the types of `parameters`, in the order of `raw`.

    :param parameters: what the repository has at the commit that is to run
    :param raw: key -> typed value or text of a form
    :raises ParameterErrors: one or more are refused; all of them are named
    """
    known = {parameter.key: parameter for parameter in parameters}
    values: dict[str, Value] = {}
    errors: dict[str, str] = {}
    for key, value in raw.items():
        try:
            values[key] = _checked(known, key, value)
        except _RefusedError as refused:
            errors[str(key)] = str(refused)
    if errors:
        raise ParameterErrors(errors)
    return values


def _checked(known: Mapping[str, Parameter], key: object, raw: object) -> Value:
    if not isinstance(key, str) or not is_safe_key(key):
        raise _RefusedError("is not a name: letters, digits, _ and -, joined by dots, are allowed")
    if key not in known:
        raise _RefusedError("is not a parameter of this repository")
    parameter = known[key]
    if _is_default(parameter, raw):
        return parameter.default
    if parameter.locked:
        raise _RefusedError(f"cannot be changed here: {parameter.locked}")
    return _READERS[parameter.type](parameter.default, raw)


def _is_default(parameter: Parameter, raw: object) -> bool:
    if isinstance(raw, str) and isinstance(parameter.default, str):
        # A form sends line breaks as CR LF.
        return raw.replace("\r\n", "\n") == parameter.default
    return identical(raw, parameter.default)


def identical(left: object, right: object) -> bool:
    """Return whether both are the same value of the same type all the way down (1, 1.0 and true differ)."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(identical, left, right))
    # The text tells 0.0 from -0.0, which are equal.
    return type(left) is type(right) and repr(left) == repr(right)


def _read_int(_: object, raw: object) -> int:
    if isinstance(raw, str) and _INT.fullmatch(_stripped(raw)):
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise _RefusedError("must be a whole number, such as 32")
    if abs(raw) > MAX_INTEGER:
        raise _RefusedError(f"is too large: at most {MAX_INTEGER}")
    return raw


def _read_float(_: object, raw: object) -> float:
    if isinstance(raw, str) and _FLOAT.fullmatch(_stripped(raw)):
        raw = float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise _RefusedError("must be a number, such as 0.5 or 3e-4")
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _RefusedError("must be a finite number")
    return number


def _read_bool(_: object, raw: object) -> bool:
    if isinstance(raw, str):
        raw = {"true": True, "false": False}.get(_stripped(raw).lower())
    if not isinstance(raw, bool):
        raise _RefusedError("must be true or false")
    return raw


def _read_str(_: object, raw: object) -> str:
    if not isinstance(raw, str):
        raise _RefusedError("must be text")
    if not raw:
        raise _RefusedError("must not be empty")
    if len(raw) > MAX_TEXT:
        raise _RefusedError(f"is too long: at most {MAX_TEXT} characters")
    if not _TEXT.fullmatch(raw):
        raise _RefusedError(
            "may contain only letters, digits and _ . , : @ + / - (it may become part of a command), "
            "and must begin with a letter, a digit, _ or ."
        )
    if ".." in raw.split("/"):
        raise _RefusedError("must not leave the folder with ..")
    return raw


def _read_null(_: object, raw: object) -> Scalar:
    """Read a value whose default tells no type: whatever it looks like."""
    if not isinstance(raw, str):
        return _read_typed(raw)
    text = _stripped(raw).lower()
    if text in ("", "null"):
        return None
    if text in ("true", "false"):
        return _read_bool(None, text)
    if _INT.fullmatch(text):
        return _read_int(None, text)
    return _read_float(None, text) if _FLOAT.fullmatch(text) else _read_str(None, raw)


def _read_typed(raw: object) -> Scalar:
    """Read a value by its own type."""
    if raw is None:
        return None
    read = _BY_TYPE.get(type(raw))
    if read is None:
        raise _RefusedError("must be a number, true, false, text or null")
    value: Scalar = read(None, raw)
    return value


def _read_list(default: object, raw: object) -> list[Any]:
    items = _list_from_text(raw) if isinstance(raw, str) else raw
    if not isinstance(items, list):
        raise _RefusedError("must be a list, such as [16, 80]")
    if identical(items, default):
        return items
    if len(items) > MAX_ITEMS:
        raise _RefusedError(f"has too many items: at most {MAX_ITEMS}")
    read, example = _item_reader(default if isinstance(default, list) else [])
    found = []
    for number, item in enumerate(items, start=1):
        try:
            found.append(read(example, item))
        except _RefusedError as refused:
            raise _RefusedError(f"item {number} {refused}") from None
    return found


def _list_from_text(raw: str) -> object:
    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json.loads(_stripped(raw), parse_constant=refuse)
    except (ValueError, RecursionError):
        return None


def _item_reader(default: list[Any]) -> tuple[Callable[[object, object], Any], object]:
    """Return what reads an item like those of `default`, and an item to compare with."""
    kinds = {type(item) for item in default}
    if kinds == {list}:
        return _without_text(_read_list), default[0]
    if kinds == {int, float}:
        kinds = {float}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind in (int, float, bool):
        return _without_text(_BY_TYPE[kind]), None
    return (_read_str, None) if kind is str else (lambda _, raw: _read_typed(raw), None)


def _without_text(read: Callable[[object, object], Any]) -> Callable[[object, object], Any]:
    """Items of a list are typed already, so the text "1" is not a number there."""

    def read_item(default: object, raw: object) -> Any:
        if isinstance(raw, str):
            raise _RefusedError("is text, but the others are not; write it without quotes")
        return read(default, raw)

    return read_item


def _stripped(raw: str) -> str:
    if len(raw) > MAX_FORM_TEXT:
        raise _RefusedError(f"is too long: at most {MAX_FORM_TEXT} characters")
    return raw.strip(" \t\r\n")


_BY_TYPE: dict[type, Callable[[object, object], Any]] = {
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    str: _read_str,
}
_READERS: dict[str, Callable[[object, object], Any]] = {
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "str": _read_str,
    "list": _read_list,
    "null": _read_null,
}
