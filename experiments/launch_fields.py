"""Rules: the parameters of a commit as fields of a form. No database, no markup.

A field shows what was typed; without that, what the commit has. What counts as changed is decided by value,
not by spelling: `1e-2` is no change of `0.01`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.parameter_values import Parameter, ParameterErrors, identical, validate_overrides
from experiments.value_text import value_text

Control = Literal["number", "bool", "text", "area"]

#: What a browser takes in a number field; it would silently empty the field of anything else.
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: From this length on, or with a line break, a value gets a field of several lines.
_LONG = 60


@dataclass(frozen=True)
class ParameterField:
    """One parameter in the form.

    :ivar number: position in the form, from 1; makes the ids of its elements
    :ivar value: the text in the control
    :ivar default: the commit's value as text
    :ivar changed: whether the value is not the commit's
    :ivar error: what is wrong with the value; empty if nothing is known to be
    """

    number: int
    parameter: Parameter
    value: str
    default: str
    changed: bool
    error: str

    @property
    def section(self) -> str:
        """The part of its name before the first dot; empty if there is none."""
        section, dot, _rest = self.parameter.key.partition(".")
        return section if dot else ""

    @property
    def label(self) -> str:
        """Its name within its section."""
        return self.parameter.key.partition(".")[2] or self.parameter.key

    @property
    def control(self) -> Control:
        """Which control it gets."""
        kind = self.parameter.type
        if kind == "bool" and self.value in ("true", "false"):
            return "bool"
        if kind in ("int", "float") and _NUMBER.fullmatch(self.value):
            return "number"
        # A field of one line would drop the line breaks of a value.
        several = "\n" in self.value or "\n" in self.default
        return "area" if several or max(len(self.value), len(self.default)) > _LONG else "text"

    @property
    def inputmode(self) -> str:
        """Which keyboard a telephone shows for it."""
        return {"int": "numeric", "float": "decimal"}.get(self.parameter.type, "text")


@dataclass(frozen=True)
class Section:
    """The fields whose names begin alike; `name` is empty for those without a section."""

    name: str
    fields: list[ParameterField]


def sections(
    parameters: Sequence[Parameter], typed: Mapping[str, str], errors: Mapping[str, str]
) -> list[Section]:
    """Return the fields of a form, by the part of their names before the first dot, in the file's order.

    :param typed: text of the fields that were filled in; a locked one keeps the commit's value
    :param errors: what is wrong, by name of the parameter
    """
    found: dict[str, list[ParameterField]] = {}
    for number, parameter in enumerate(parameters, start=1):
        field = _field(number, parameter, typed.get(parameter.key), errors.get(parameter.key, ""))
        found.setdefault(field.section, []).append(field)
    return [Section(name, fields) for name, fields in found.items()]


def changes(parameters: Iterable[Parameter], typed: Mapping[str, str]) -> dict[str, str]:
    """Return those of `typed` that are not what `parameters` have; unknown names are among them."""
    known = {parameter.key: parameter for parameter in parameters}
    return {key: text for key, text in typed.items() if key not in known or is_changed(known[key], text)}


def is_changed(parameter: Parameter, text: str) -> bool:
    """Say whether `text` stands for another value than the commit's, or for none at all."""
    try:
        value = validate_overrides([parameter], {parameter.key: text})[parameter.key]
    except ParameterErrors:
        return True
    return not identical(value, parameter.default)


def _field(number: int, parameter: Parameter, text: str | None, error: str) -> ParameterField:
    default = value_text(parameter.default)
    if text is None or parameter.locked:
        return ParameterField(number, parameter, default, default, changed=False, error=error)
    text = _as_shown(parameter, text)
    return ParameterField(number, parameter, text, default, is_changed(parameter, text), error)


def _as_shown(parameter: Parameter, text: str) -> str:
    """Return a truth value as the options of its field have it (MLflow writes `True`)."""
    lowered = text.strip().lower()
    return lowered if parameter.type == "bool" and lowered in ("true", "false") else text
