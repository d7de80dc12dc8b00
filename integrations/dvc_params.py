"""Changing values in ``params.yaml`` without letting anything but these values change."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml as yaml_1_1
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from integrations.errors import IntegrationError
from integrations.yaml_text import load_mapping

Scalar = str | int | float | bool | None
PARAMS_FILE = "params.yaml"
LARGEST_INTEGER = 2**63
# DVC puts parameters into shell commands as they are ("${train.optimizer}" in cmd), so a word may hold
# nothing that a shell would act upon, may not become a second word, and may not look like an option.
SAFE_WORD = re.compile(r"(?!-)[\w.,:/@%+=-]{0,1000}")


class ParameterError(IntegrationError):
    """A parameter cannot be set as asked. ``key`` names it; trying again cannot help."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"Parameter {key[:200]!r}: {reason}", permanent=True)
        self.key = key


def read_parameters(text: str | bytes) -> dict[str, Scalar]:
    """Return the scalar values of a ``params.yaml`` by dotted key, in the order of the file.

    Lists, and keys that are no strings or contain a dot themselves, are left out: a dotted key could not
    name them without doubt.
    """
    return dict(_scalars(load_mapping(text, PARAMS_FILE), ""))


def _scalars(data: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Scalar]]:
    for key, value in data.items():
        if not isinstance(key, str) or "." in key or not key:
            continue
        if isinstance(value, dict):
            yield from _scalars(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str | int | float | bool):
            yield prefix + key, value


def override_parameters(text: str, overrides: Mapping[str, Scalar]) -> str:
    """Return the text of ``params.yaml`` with other values; comments and order stay.

    A key must name a scalar that the file has, and the value must have its type: ``bool``; ``int``; ``float``
    (an ``int`` is accepted and becomes one); ``str`` made of letters, digits and ``_.,:/@%+=-`` and not
    starting with a hyphen; anything of these where the file has ``null``. The value is written so that YAML
    1.1 and 1.2 read it alike (PyYAML takes ``1e-05`` for a string and ``no`` for a truth value).

    Raises :class:`ParameterError`, naming the key, for everything else.
    """
    known = read_parameters(text)
    values = {key: _checked(key, value, known) for key, value in overrides.items()}
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 4096
    writer.Representer = _Representer
    document = writer.load(text)
    for key, value in values.items():
        _assign(document, key, value)
    stream = io.StringIO()
    writer.dump(document, stream)
    changed = stream.getvalue()
    _require_only(text, changed, values)
    return changed


def write_parameters(path: Path, overrides: Mapping[str, Scalar]) -> None:
    """Apply :func:`override_parameters` to a file, all or nothing.

    The file is replaced, not written into: a repository may hold a link there that leads elsewhere.
    """
    if path.is_symlink() or not path.is_file():
        raise IntegrationError(f"There is no regular file {path.name!r}.", permanent=True)
    changed = override_parameters(path.read_text(encoding="utf-8"), overrides)
    fresh = path.with_name(f".{path.name}.stagegate-new")
    fresh.unlink(missing_ok=True)
    with fresh.open("x", encoding="utf-8") as file:
        file.write(changed)
    fresh.replace(path)


def _checked(key: str, value: Scalar, known: Mapping[str, Scalar]) -> Scalar:
    if key not in known:
        raise ParameterError(key, "the repository has no such parameter.")
    old = known[key]
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = _as_float(key, value)
    if type(value) is not type(old) and (old is not None or not isinstance(value, bool | int | float | str)):
        raise ParameterError(key, f"needs a value of type {type(old).__name__}, not {type(value).__name__}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(key, "needs a finite number.")
    if isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        raise ParameterError(key, "the number is too large.")
    if isinstance(value, str) and not SAFE_WORD.fullmatch(value):
        raise ParameterError(key, "the text has characters that are not allowed.")
    return value


def _as_float(key: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ParameterError(key, "the number is too large.") from None


def _assign(document: Any, key: str, value: Scalar) -> None:
    *path, last = key.split(".")
    for part in path:
        document = document[part]
    if isinstance(value, str) and not _reads_as_itself(value):
        value = DoubleQuotedScalarString(value)
    document[last] = value


def _reads_as_itself(word: str) -> bool:
    text = f"key: {word}\n"
    try:
        old = yaml_1_1.safe_load(text)
        return bool(old == {"key": word} == load_mapping(text, "value"))
    except (yaml_1_1.YAMLError, ValueError, IntegrationError):
        return False


def _require_only(before: str, after: str, values: Mapping[str, Scalar]) -> None:
    """Compare all values before and after: an alias or a merge key could have changed others, too."""
    for load in (_load_1_1, lambda text: load_mapping(text, PARAMS_FILE)):
        expected = load(before)
        for key, value in values.items():
            _assign_plain(expected, key, value)
        if load(after) != expected:
            raise ParameterError(", ".join(values), "is shared with another one by a YAML alias.")


def _load_1_1(text: str) -> dict[str, Any]:
    try:
        return dict(yaml_1_1.safe_load(text))
    except (yaml_1_1.YAMLError, ValueError, TypeError) as error:
        raise IntegrationError(f"{PARAMS_FILE} is not valid YAML 1.1: {error}", permanent=True) from None


def _assign_plain(data: dict[str, Any], key: str, value: Scalar) -> None:
    """Set a value in a copy of each mapping on the way, so that aliases of it do not change."""
    *path, last = key.split(".")
    for part in path:
        data[part] = dict(data[part])
        data = data[part]
    data[last] = value


class _Representer(RoundTripRepresenter):
    """Writes floats so that YAML 1.1 recognises them, too, and nothing as ``null`` rather than as nothing."""

    def represent_none(self, data: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")

    def represent_float(self, data: float) -> ScalarNode:
        text = repr(data)
        if "e" in text and "." not in text:
            text = text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", text)


_Representer.add_representer(float, _Representer.represent_float)
_Representer.add_representer(type(None), _Representer.represent_none)
