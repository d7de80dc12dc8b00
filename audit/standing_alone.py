"""The verifiers as one file each, which run far from the product: put together from their modules."""

import ast
import re
from pathlib import Path
from types import ModuleType

from audit import (
    bundle_archive,
    bundle_checks,
    bundle_decisions,
    bundle_origin,
    bundle_prov,
    bundle_records,
    bundle_report,
    bundle_verifier,
    canonical_json,
    verifier,
)

_RULES = (bundle_archive, bundle_records, bundle_decisions, bundle_origin, bundle_prov, bundle_report)
_FUTURE = "from __future__ import annotations\n"
_OURS = re.compile(r"^from audit\.\w+ import (?:\(.*?^\)|[^\n(]+)\n", re.MULTILINE | re.DOTALL)
_COMMAND = "\n\ndef main("


def trail() -> str:
    """Return the source of the verifier of exported trails."""
    return _joined(verifier, canonical_json)


def text() -> str:
    """Return the source of the verifier of evidence bundles."""
    return _joined(bundle_verifier, canonical_json, verifier, *_RULES, bundle_checks)


def _joined(program: ModuleType, *rules: ModuleType) -> str:
    """Return `program` behind the `rules` it imports, which lose their command lines."""
    about, body = _parts(program)
    bodies = [_parts(module)[1].partition(_COMMAND)[0].strip() for module in rules]
    return f"{about}\n\n{_FUTURE}\n" + "\n\n\n".join([*bodies, body.strip()]) + "\n"


def _parts(module: ModuleType) -> tuple[str, str]:
    """Return what a module says of itself, and the rest without what it imports of the product."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    end = ast.parse(source).body[0].end_lineno or 0
    rest = "".join(lines[end:]).replace(_FUTURE, "", 1)
    return "".join(lines[:end]).strip(), _OURS.sub("", rest)
