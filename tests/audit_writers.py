"""Processes that write to the audit trail of the test database at the same time.

`python -m tests.audit_writers write <name> <count>` is one writer, `... report` reads the outcome.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
from django.db import transaction


def write_at_once(writers: int, each: int) -> dict[str, Any]:
    """Let so many processes write so many entries each, and return what `report` prints."""
    # Not at the top: a writer imports this module before Django is set up.
    from tests.engine import database_url

    environment = os.environ | {"DATABASE_URL": database_url()}
    processes = [_start(environment, "write", f"writer-{number}", str(each)) for number in range(writers)]
    for process in processes:
        _finish(process)
    outcome: dict[str, Any] = json.loads(_finish(_start(environment, "report")))
    return outcome


def _start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.audit_writers", *arguments],
        env=environment,
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def _write(name: str, count: int) -> None:
    from audit import trail
    from audit.events import Event

    for number in range(count):
        with transaction.atomic():
            target = trail.Target("job", str(number), f"job {number}")
            trail.record(Event.JOB_SUBMITTED, actor=trail.Actor(name, name), target=target)


def _report() -> dict[str, Any]:
    from audit import trail
    from audit.models import AuditEntry

    rows = AuditEntry.objects.values_list("sequence", "actor_id")
    return {"fault": trail.verify(), "rows": list(rows)}


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "write":
        _write(sys.argv[2], int(sys.argv[3]))
    else:
        sys.stdout.write(json.dumps(_report()))
