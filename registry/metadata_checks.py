"""What a value of `ModelMetadata` must look like, field by field. No database, no Django."""

import json
import math
from collections.abc import Callable
from datetime import datetime
from numbers import Integral, Real
from typing import Any, NoReturn

from registry.semver import MLModelVersion
from registry.stages import Stage

#: Longest text field, in characters; `config_json` may have `MAX_CONFIG`.
MAX_TEXT = 1000
MAX_CONFIG = 256 * 1024
#: Integers must fit a signed 64-bit column.
MAX_INTEGER = 2**63 - 1


class MetadataError(ValueError):
    """Metadata that is refused.

    :ivar field: name of the field at fault; empty when the fault is in the document as a whole
    :ivar reason: what is wrong, without the name
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field or 'metadata'}: {reason}")
        self.field = field
        self.reason = reason


def check(field: str, kind: type, optional: bool, value: object) -> Any:
    """Return `value` as a plain `kind` (an integer is taken for a float), or refuse it.

    :param kind: str, int or float
    :param optional: whether None is a value
    :raises MetadataError: wrong type, not finite, out of range, or against the rule of the field
    """
    if value is None and optional:
        return None
    checked = _KINDS[kind](field, value)
    if field in NOT_NEGATIVE and checked < 0:
        raise MetadataError(field, f"must not be negative, not {checked}")
    if field in _RULES:
        _RULES[field](field, checked)
    return checked


def load_json(field: str, text: str) -> Any:
    """Return what the JSON `text` says; unlike `json.loads` refuse NaN, infinities and repeated keys.

    :param field: name to blame
    :raises MetadataError: not JSON
    """
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repetition)
    except _RepeatedError as error:
        raise MetadataError(field or error.key, f"{error.key!r} is given twice") from None
    except (ValueError, RecursionError) as error:
        raise MetadataError(field, f"is not valid JSON ({error})") from None


class _RepeatedError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RepeatedError(key)
        found[key] = value
    return found


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise MetadataError(field, f"must be text, not {type(value).__name__}")
    limit = MAX_CONFIG if field == "config_json" else MAX_TEXT
    if len(value) > limit:
        raise MetadataError(field, f"may have at most {limit} characters (it has {len(value)})")
    # Neither PostgreSQL nor UTF-8 can hold these.
    if "\0" in value or not _is_utf8(value):
        raise MetadataError(field, "contains a NUL or half of a surrogate pair")
    return str(value)


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(field: str, value: object) -> int:
    # bool is an int to Python, but True epochs are a mistake.
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise MetadataError(field, f"must be a whole number, not {type(value).__name__}")
    if abs(int(value)) > MAX_INTEGER:
        raise MetadataError(field, f"must be between -{MAX_INTEGER} and {MAX_INTEGER}")
    return int(value)


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise MetadataError(field, f"must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MetadataError(field, "must be a finite number")
    return number


_KINDS: dict[type, Callable[[str, object], Any]] = {str: _text, int: _integer, float: _number}

NOT_NEGATIVE = frozenset(
    {
        "learning_rate",
        "batch_size",
        "epochs",
        "weight_decay",
        "val_accuracy",
        "val_cer",
        "val_wer",
        "train_samples",
        "val_samples",
        "split_ratio",
        "num_params",
        "num_gpus",
        "training_duration_seconds",
    }
)


def _not_blank(field: str, value: str) -> None:
    if not value.strip():
        raise MetadataError(field, "must not be blank")


def _version(field: str, value: str) -> None:
    try:
        MLModelVersion(value)
    except ValueError as error:
        raise MetadataError(field, str(error)) from None


def _stage(field: str, value: str) -> None:
    stages = [stage.metadata_name for stage in Stage]
    if value not in stages:
        raise MetadataError(field, f"must be one of {', '.join(stages)}, not {value!r}")


def _instant(field: str, value: str) -> None:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise MetadataError(
            field, "must be an ISO 8601 time with a time zone, such as 2026-01-31T09:30:00+00:00"
        )


def _share(field: str, value: float) -> None:
    if value > 1:
        raise MetadataError(field, f"must be a share between 0 and 1, not {value}")


def _configuration(field: str, value: str) -> None:
    if value and not isinstance(load_json(field, value), dict):
        raise MetadataError(field, "must be a JSON object")


_RULES: dict[str, Callable[[str, Any], None]] = {
    "model_name": _not_blank,
    "model_version": _version,
    "stage": _stage,
    "created_at": _instant,
    "split_ratio": _share,
    "config_json": _configuration,
}
