"""Rules: what the files of a run say about the environment it ran in. Nothing in them is executed.

Read are `environment.json` (as this product's pipelines log it), and what MLflow writes beside a model:
`requirements.txt`, `python_env.yaml`, `conda.yaml`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

#: Files that say something, the most telling first: what an earlier one says, a later one does not change.
NAMES = ("environment.json", "requirements.txt", "python_env.yaml", "conda.yaml")
#: What stands before the packages.
FACTS = ("python", "torch", "cuda", "gpu", "gpus", "cpu", "cpus", "machine", "system")
_MAX_PACKAGES = 2_000
_MAX_TEXT = 200
_PINNED = re.compile(
    r"\s*(?:-\s*)?['\"]?([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*={1,3}\s*([^\s;,#'\"]+)"
)
_PYTHON = re.compile(r"\s*(?:-\s*)?python\s*[:=]=?\s*['\"]?([0-9][^\s'\"]*)")


def environment(files: Mapping[str, str]) -> dict[str, str]:
    """Return what files say: facts such as ``python``, and packages with their versions.

    :param files: text of each file by its name (one of `NAMES`)
    """
    found: dict[str, str] = {}
    for name in NAMES:
        if name in files:
            read = _of_json(files[name]) if name.endswith(".json") else _of_lines(files[name])
            found = {**read, **found}
    packages = sorted(name for name in found if name not in FACTS)
    return {name: found[name] for name in (*FACTS, *packages) if name in found}


def _of_json(text: str) -> dict[str, str]:
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, Mapping):
        return {}
    packages = told.get("packages")
    found = _texts(packages) if isinstance(packages, Mapping) else {}
    return found | _texts({name: told[name] for name in FACTS if name in told})


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return what is a plain value, as text."""
    plain = {name: value for name, value in values.items() if isinstance(value, str | int | float)}
    return {_name(str(name)): str(value)[:_MAX_TEXT] for name, value in list(plain.items())[:_MAX_PACKAGES]}


def _of_lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines()[:_MAX_PACKAGES]:
        if match := _PYTHON.match(line):
            found.setdefault("python", match[1][:_MAX_TEXT])
        elif match := _PINNED.match(line):
            found.setdefault(_name(match[1]), match[2][:_MAX_TEXT])
    return found


def _name(text: str) -> str:
    """Return the name of a package as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", text).lower()[:_MAX_TEXT]
