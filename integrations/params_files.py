"""Reading any file of parameters that DVC takes: YAML, JSON, TOML, and the constants of a Python file.

Of Python only literals count, as DVC reads them: assigned in the module, in a class (by its name) or to
``self`` in its ``__init__``. Nothing is run.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from integrations.errors import IntegrationError
from integrations.yaml_text import MAX_BYTES, load_mapping


def read_params_file(content: bytes, path: str) -> Mapping[Any, Any]:
    """Return what a file of parameters holds; DVC takes what has no suffix it knows for YAML.

    Permanent ``IntegrationError``: it cannot be read.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix not in _READERS:
        return load_mapping(content, path)
    if len(content) > MAX_BYTES:
        raise IntegrationError(f"{path} is larger than {MAX_BYTES} bytes.", permanent=True)
    try:
        data = _READERS[suffix](content.decode("utf-8"))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise IntegrationError(f"{path} cannot be read.", permanent=True) from None
    if not isinstance(data, dict):
        raise IntegrationError(f"{path} does not hold a mapping.", permanent=True)
    return data


def _python(text: str) -> dict[str, Any]:
    return dict(_constants(ast.parse(text).body, of_self=False))


_READERS: Mapping[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".py": _python,
}


def _constants(body: list[ast.stmt], *, of_self: bool) -> Iterator[tuple[str, Any]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name, dict(_constants(node.body, of_self=of_self))
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from _constants(node.body, of_self=True)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            name = _name(targets[0], of_self=of_self) if len(targets) == 1 else ""
            if name and node.value is not None:
                try:
                    yield name, ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    continue


def _name(target: ast.expr, *, of_self: bool) -> str:
    if isinstance(target, ast.Name):
        return "" if of_self else target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return ""
