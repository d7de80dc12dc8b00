"""Rules: what a job's parameters were before it set them. No database, no Django."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from experiments.parameters import Parameter, ParametersFileError, read_parameters
from experiments.value_text import value_text


@dataclass(frozen=True)
class ParameterChange:
    """One parameter that was set.

    :ivar before: what the commit has, as text; None if the commit does not have it any more, or is not known
    :ivar after: what it was set to, as text
    """

    key: str
    before: str | None
    after: str


def changes(params_text: str, overrides: Mapping[str, Any]) -> list[ParameterChange]:
    """Return `overrides` beside what the parameters file `params_text` has, in the order of the overrides."""
    before = {parameter.key: value_text(parameter.default) for parameter in parameters_of(params_text)}
    return [ParameterChange(key, before.get(key), value_text(value)) for key, value in overrides.items()]


@lru_cache(maxsize=64)
def parameters_of(params_text: str) -> tuple[Parameter, ...]:
    """Return the parameters of a file; none if it cannot be read. Kept, because pages ask again and again."""
    try:
        return tuple(read_parameters(params_text))
    except ParametersFileError:
        return ()
