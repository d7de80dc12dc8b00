"""A worker process that kills itself by SIGKILL at a chosen point of an apply job.

`python -m tests.killed_applier` loads the product once and reads lines of JSON such as
`{"job": 7, "point": "request", "number": 3}`. For each it forks, and the child runs one attempt of the job;
right after the third call of that point it is gone. The answer is a line with the signal that ended the
child, 0 if it came to its end.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

#: What counts as a step: every request to MLflow, every audit entry, the commit of what was recorded.
POINTS = {
    "request": ("integrations.mlflow_http", "MLflowHTTP", "_once"),
    "audit": ("audit.trail", "", "record"),
    "recorded": ("registry.mirror_results", "", "record"),
    "lease": ("registry.mirror_lease", "", "_take"),
}


def main() -> None:
    """Serve until the input ends."""
    django.setup()
    from experiments import execution  # what a worker loads, loaded once

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _arm(asked["point"], asked["number"])
            execution.run(asked["job"])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)  # noqa: T201


def _arm(point: str, number: int) -> None:
    module, owner, name = POINTS[point]
    place: Any = importlib.import_module(module)
    place = getattr(place, owner) if owner else place
    calls = [0]

    def fatal(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            finally:
                calls[0] += 1
                if calls[0] == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        return wrapped

    setattr(place, name, fatal(getattr(place, name)))


if __name__ == "__main__":
    main()
