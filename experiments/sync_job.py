"""Runner of the job kind `sync`: a person wants everything that MLflow has to be mirrored now."""

from __future__ import annotations

from experiments import sync
from experiments.job_context import JobContext
from experiments.runners import Outcome
from experiments.sync import Report


def run(context: JobContext) -> Outcome:
    """Reconcile the mirror from the beginning.

    :raises IntegrationError: MLflow cannot be reached
    """

    def on_pass(total: Report) -> None:
        context.message(f"{total.written} runs written, histories of {total.series} read")
        context.check()

    total = sync.reconcile(on_pass)
    for problem in total.problems:
        context.log(problem)
    return Outcome({"written": total.written, "series": total.series, "problems": len(total.problems)})
