"""Telling those who watch pipelines that one of them has lost its worker, which cannot tell it any more."""

from django.utils import timezone

from experiments import pipeline_watch
from experiments.models import Commit, Job
from experiments.pipeline_watch import News
from experiments.stage_board import running_stage


def tell(job: Job) -> None:
    """Tell that the attempt `job.attempt` ended without a word, if `job` is a pipeline.

    :param job: as it was then, with the steps and the message of that attempt
    """
    if job.kind != "pipeline":
        return
    found = Commit.objects.filter(repository=job.repository_id, sha=job.payload.get("sha", ""))
    commit = found.select_related("repository").first()
    if commit is None:
        return
    pipeline_watch.tell(
        News(
            "lost",
            job.pk,
            job.attempt,
            commit.repository.name,
            commit.repository.url,
            commit.sha,
            timezone.now(),
            pipeline_watch.outline(commit.pipeline),
            stage=running_stage(job.steps, job.message),
            problem="Its worker fell silent.",
        )
    )
