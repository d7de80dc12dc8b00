"""Runner of the job kind `fetch`: bring a repository's mirror and our knowledge of it up to date."""

from __future__ import annotations

from experiments import commit_index, experiment_index
from experiments.job_context import JobContext
from experiments.models import Repository
from experiments.runners import Outcome
from integrations.errors import IntegrationError


def run(context: JobContext) -> Outcome:
    """Fetch the repository that the payload names.

    :raises IntegrationError: it is not connected any more, or cannot be fetched
    """
    repository = Repository.objects.filter(name=context.payload["repository"]).first()
    if repository is None:
        raise IntegrationError("This repository is not connected any more.", permanent=True)
    context.step("fetch", "running")
    report = commit_index.index(repository, context.should_stop)
    context.check()
    context.step("fetch", "done")
    context.step("read experiments", "running")
    if told := experiment_index.index(context, repository):
        context.log(told)
    for name in report.changed:
        context.log(f"{name} is new or has moved")
    for name in report.removed:
        context.log(f"{name} is gone")
    context.message(f"{report.refs} branches and tags, {report.new_commits} new commits")
    return Outcome({"refs": report.refs, "new_commits": report.new_commits})
