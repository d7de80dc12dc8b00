"""What the web process uses of the job engine."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import django
django.setup()
from experiments import job_logs, job_states, jobs, runners, signals
assert {"pipeline", "sync", "log_run", "register"} <= {kind.name for kind in runners.all_kinds()}
print(sorted({"celery", "kombu", "redis", "mlflow", "dvc", "torch"} & set(sys.modules)))
"""


def test_submitting_and_showing_jobs_loads_neither_celery_nor_what_jobs_run() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert answer.stdout == "[]\n", answer.stderr
