"""The verifier of evidence bundles as one file, put together from the two modules that it is written in."""

import re
from pathlib import Path

from audit import bundle_verifier, verifier

_IMPORT = re.compile(r"^from audit\.verifier import \(.*?^\)\n", re.MULTILINE | re.DOTALL)
_COMMAND = "\ndef main("


def text() -> str:
    """Return the source: `audit/verifier.py` without its command line, then `audit/bundle_verifier.py`."""
    rules = _source(verifier.__file__).partition(_COMMAND)[0]
    return f"{rules}\n{_IMPORT.sub('', _source(bundle_verifier.__file__), count=1)}"


def _source(file: str) -> str:
    return Path(file).read_text(encoding="utf-8")
