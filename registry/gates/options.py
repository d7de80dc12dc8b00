"""What a gate lets a policy set, as data: the form, the REST interface and the check of values follow it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

TEXT_LIMIT = 250
LIST_LIMIT = 100


class Kind(StrEnum):
    """What a setting holds."""

    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    TEXT = "text"
    NAMES = "names"
    """A list of texts; where `choices` are given, of those."""
    ROWS = "rows"
    """A list of objects with the options `columns`."""


@dataclass(frozen=True)
class Option:
    """One setting of a gate.

    :ivar name: key in the settings; never renamed, because old policies hold it
    :ivar label: what a person reads (English; translated where it is shown)
    :ivar default: value where a policy does not say; None: nothing is set, which is allowed then
    :ivar help: one sentence more
    :ivar least: smallest number, `most`: largest
    :ivar choices: value -> label, the allowed values
    :ivar columns: the options of each row
    """

    name: str
    label: str
    kind: Kind
    default: Any = None
    help: str = ""
    least: float | None = None
    most: float | None = None
    choices: Mapping[str, str] | None = None
    columns: tuple["Option", ...] = ()
    required: bool = False


class SettingsError(ValueError):
    """Settings of a gate cannot be used.

    :ivar errors: path of the setting (``rules.0.tolerance``) -> English sentence; an empty path: all of them
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("\n".join(errors.values()))
        self.errors = dict(errors)


def completed(options: Iterable[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the defaults of what it leaves out.

    :raises SettingsError: an unknown setting, or a value that its option does not allow; all of them at once
    """
    errors: dict[str, str] = {}
    found = _object(tuple(options), given, "", errors)
    if errors:
        raise SettingsError(errors)
    return found


def _object(
    options: tuple[Option, ...], given: Mapping[str, Any], path: str, errors: dict[str, str]
) -> dict[str, Any]:
    known = {option.name for option in options}
    for name in given:
        if name not in known:
            errors[f"{path}{name}"] = f"There is no setting {name!r}."
    return {
        option.name: _value(option, given.get(option.name, option.default), f"{path}{option.name}", errors)
        for option in options
    }


def _value(option: Option, value: Any, path: str, errors: dict[str, str]) -> Any:
    if option.kind is Kind.ROWS:
        return _rows(option, value, path, errors)
    if value is None or value == "":
        if option.required:
            errors[path] = "This has to be filled in."
        return option.default
    problem = _PROBLEMS[option.kind](option, value)
    if problem:
        errors[path] = problem
    return list(dict.fromkeys(value)) if option.kind is Kind.NAMES and not problem else value


def _rows(option: Option, value: Any, path: str, errors: dict[str, str]) -> list[dict[str, Any]]:
    rows = [] if value is None else value
    if not isinstance(rows, list | tuple) or len(rows) > LIST_LIMIT:
        errors[path] = f"A list of at most {LIST_LIMIT} objects is expected."
        return []
    found = []
    for number, row in enumerate(rows):
        if isinstance(row, Mapping):
            found.append(_object(option.columns, row, f"{path}.{number}.", errors))
        else:
            errors[f"{path}.{number}"] = "An object is expected."
    return found


def _number_problem(option: Option, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return "A number is expected."
    if option.least is not None and value < option.least:
        return f"At least {option.least:g} is expected."
    if option.most is not None and value > option.most:
        return f"At most {option.most:g} is expected."
    return ""


def _flag_problem(option: Option, value: Any) -> str:
    return "" if isinstance(value, bool) else "Yes or no is expected."


def _choice_problem(option: Option, value: Any) -> str:
    allowed = option.choices or {}
    return "" if value in allowed else f"One of these is expected: {', '.join(allowed)}."


def _text_problem(option: Option, value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and value == value.strip() and len(value) <= TEXT_LIMIT:
        return ""
    return f"A text of at most {TEXT_LIMIT} printable characters is expected."


def _names_problem(option: Option, value: Any) -> str:
    if not isinstance(value, list | tuple) or len(value) > LIST_LIMIT:
        return f"A list of at most {LIST_LIMIT} names is expected."
    for name in value:
        problem = _text_problem(option, name)
        if problem or not name:
            return problem or "A name is empty."
        if option.choices is not None and name not in option.choices:
            return f"{name!r} is none of these: {', '.join(option.choices)}."
    return ""


_PROBLEMS = {
    Kind.NUMBER: _number_problem,
    Kind.FLAG: _flag_problem,
    Kind.CHOICE: _choice_problem,
    Kind.TEXT: _text_problem,
    Kind.NAMES: _names_problem,
}
