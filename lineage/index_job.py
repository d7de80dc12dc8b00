"""Runner of the job kind `index`: read the commits of a repository that are new since the last time."""

from __future__ import annotations

from experiments.job_context import JobContext
from experiments.models import Repository
from experiments.runners import Outcome
from integrations.errors import IntegrationError
from lineage import history_index


def run(context: JobContext) -> Outcome:
    """Index the repository that the payload names.

    :raises IntegrationError: it is not connected any more, was never fetched, or Git cannot read it
    """
    repository = Repository.objects.filter(name=context.payload["repository"]).first()
    if repository is None:
        raise IntegrationError("This repository is not connected any more.", permanent=True)
    context.step("read commits", "running")
    report = history_index.index(
        repository,
        check=context.check,
        progress=lambda done, total: context.message(f"{done} of {total} commits"),
    )
    context.step("read commits", "done")
    context.log(f"{report.new_commits} new commits")
    if report.problems:
        context.log(f"{report.problems} of them have files that cannot be read; they are skipped")
    if report.malformed_tags:
        context.log(f"{report.malformed_tags} tags look like GTO's and are not well-formed")
    return Outcome({"new_commits": report.new_commits, "problems": report.problems})
