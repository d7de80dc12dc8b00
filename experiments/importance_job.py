"""Runner of the job kind `importance`: how much each parameter of some runs accounts for a metric.

The computation is a program of its own: a worker that imported its libraries would keep them.
"""

import json
import os
import sys
from pathlib import Path

from experiments import importance_program
from experiments.importance_task import task
from experiments.importances import METHOD, Question, runs_of
from experiments.job_context import JobContext
from experiments.runners import Outcome
from integrations.errors import IntegrationError

_TIME_LIMIT = 300


def run(context: JobContext) -> Outcome:
    """Compute the shares for the question of the payload; they are the job's result.

    :raises IntegrationError: permanent: the runs can tell nothing, or the program fails
    """
    context.step("read runs", "running")
    question = Question.read(context.payload)
    made = task([(row.metrics, row.params) for row in runs_of(question)], question.metric)
    if not made.is_possible:
        raise IntegrationError("These runs can tell nothing about this metric.", permanent=True)
    context.step("read runs", "done")
    context.step("compute", "running")
    context.log(f"{METHOD} over {len(made.values)} runs and {len(made.params)} parameters")
    given, found = context.workspace / "task.json", context.workspace / "result.json"
    given.write_text(json.dumps({"values": made.values, "params": made.params}), encoding="utf-8")
    # -P: a module of this folder must not stand in for one of a library's.
    program = [sys.executable, "-P", str(Path(importance_program.__file__)), str(given), str(found)]
    env = {"PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1", "HOME": str(context.workspace)}
    finished = context.run(program, env=env, time_limit=_TIME_LIMIT)
    if finished.returncode != 0 or not found.exists():
        raise IntegrationError("The importance of parameters could not be computed.", permanent=True)
    context.step("compute", "done")
    return Outcome(
        {
            "method": METHOD,
            "metric": question.metric,
            "runs": len(made.values),
            "shares": json.loads(found.read_text(encoding="utf-8")),
            "constant": list(made.constant),
            "unusable": list(made.unusable),
            "thin": made.is_thin,
        }
    )
