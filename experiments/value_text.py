"""Rules: how a value of a parameters file is written for people. No database, no Django."""

import json

from experiments.parameter_values import Value


def value_text(value: Value | object) -> str:
    """Return `value` as a person would type it: text without quotes, everything else as JSON has it.

    The text of a value reads back as that value (see `parameter_values.validate_overrides`).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
