"""Typed parameters out of a DVC parameters file, and overrides written back. No database, no Django."""

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from experiments.parameter_values import (
    Parameter,
    ParameterErrors,
    ParameterType,
    Value,
    identical,
    is_safe_key,
    validate_overrides,
)
from experiments.params_yaml import Leaf, ParametersFileError, leaves, replace

__all__ = [
    "Parameter",
    "ParameterErrors",
    "ParametersFileError",
    "apply_overrides",
    "read_parameters",
    "validate_overrides",
]

_NAME = "its name has characters that are not allowed here, or is the name of two values"
_NOT_ALONE = "the file shares it through an anchor, an alias or a merged key, or its name is not text"
_TYPE = "values of its type cannot be changed here"
#: Longest text that stands for a default of type `other`, in characters.
_SHOWN = 200

_TYPES: dict[type, ParameterType] = {
    int: "int",
    float: "float",
    bool: "bool",
    str: "str",
    list: "list",
    type(None): "null",
}


def read_parameters(text: str, file: str = "params.yaml") -> list[Parameter]:
    """Return the parameters of a file, in its order, with dotted keys; a list is one value.

    What cannot be changed safely is there too, with the reason in `locked`.

    :param text: content of the file
    :param file: its name; only `.yaml` and `.yml` are read
    :raises ParametersFileError: another kind of file, or one that cannot be read
    """
    return [parameter for _, parameter in _read(text, file)]


def apply_overrides(text: str, typed: Mapping[str, Value], file: str = "params.yaml") -> str:
    """Return the file with the values of `typed`; comments, layout and all other values stay as they are.

    The result reads back as exactly these values, in YAML 1.1 and 1.2. Values are validated again here.

    :param typed: what `validate_overrides` returned
    :raises ParametersFileError: the file cannot be read or changed
    :raises ParameterErrors: a value is not allowed
    """
    found = _read(text, file)
    values = validate_overrides([parameter for _, parameter in found], typed)
    changes = {
        leaf.path: values[parameter.key]
        for leaf, parameter in found
        if parameter.key in values and not identical(values[parameter.key], parameter.default)
    }
    return replace(text, changes) if changes else text


def _read(text: str, file: str) -> list[tuple[Leaf, Parameter]]:
    if not file.endswith((".yaml", ".yml")):
        raise ParametersFileError(f"{file}: only YAML parameters files (.yaml, .yml) are supported.")
    found = leaves(text)
    names = Counter(".".join(leaf.path) for leaf in found)
    return [(leaf, _parameter(leaf, names)) for leaf in found]


def _parameter(leaf: Leaf, names: Mapping[str, int]) -> Parameter:
    key = ".".join(leaf.path)
    kind = _TYPES.get(type(leaf.value), "other") if _is_plain(leaf.value) else "other"
    default = leaf.value if kind != "other" else str(leaf.value)[:_SHOWN]
    locked = ""
    if kind == "other":
        locked = _TYPE
    elif leaf.node is None:
        locked = _NOT_ALONE
    elif names[key] > 1 or not is_safe_key(key) or any("." in name for name in leaf.path):
        locked = _NAME
    return Parameter(key, kind, default, leaf.help, locked)


def _is_plain(value: Any) -> bool:
    """Return whether a value is one of the types that can be changed, and JSON can hold it."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) in _TYPES and (not isinstance(value, float) or isfinite(value))
