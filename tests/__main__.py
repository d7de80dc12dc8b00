"""`python -m tests`: everything on SQLite, then the operations again on a real PostgreSQL."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import chromium
from tests.postgresql import run_postgresql

_SECRET = "only-for-tests-and-long-enough-for-every-check-0123456789"


def main() -> int:
    """Run both passes and return the first exit status that is not 0."""
    chromium.ensure()
    status = _pytest([], {})
    if status:
        return status
    with (
        tempfile.TemporaryDirectory(prefix="stagegate-postgresql-") as folder,
        run_postgresql(Path(folder)) as url,
    ):
        return _pytest(["tests/operations"], {"DATABASE_URL": url, "STAGEGATE_SECRET_KEY": _SECRET})


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    # Two processes for two cores; files stay together because their servers start once per file. In the
    # order of `tests/conftest.py`, not by their numbers of tests: the slowest files have few.
    options = ["-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "15"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
