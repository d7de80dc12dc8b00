"""The list of repositories."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from experiments.job_states import ACTIVE
from experiments.job_summary import JobSummary, summarise
from experiments.models import Experiment, Job, Repository

PAGE_SIZE = 50


@dataclass(frozen=True)
class RepositoryRow:
    """A repository in the list.

    :ivar fetch: the fetch that waits or runs, if one does
    :ivar last: its newest job that is no fetch
    :ivar experiment: MLflow's experiment of its runs, once the mirror has it
    """

    repository: Repository
    fetch: JobSummary | None
    last: JobSummary | None
    experiment: Experiment | None


def page_of(number: str | None) -> Page[RepositoryRow]:
    """Return one page of the repositories, by name. Four queries."""
    paginator: Paginator[Any] = Paginator(_annotated(), PAGE_SIZE)
    page = paginator.get_page(number)
    rows = list(page.object_list)
    wanted = [key for row in rows for key in (row.fetch_id, row.last_id) if key is not None]
    now = timezone.now()
    jobs = {
        job.pk: summarise(job, now)
        for job in Job.objects.filter(pk__in=wanted).select_related("repository").defer("result")
    }
    names = {row.experiment_name for row in rows}
    experiments = {one.name: one for one in Experiment.objects.filter(name__in=names)}
    found = [
        RepositoryRow(
            row, jobs.get(row.fetch_id), jobs.get(row.last_id), experiments.get(row.experiment_name)
        )
        for row in rows
    ]
    return Page(found, page.number, paginator)


def _annotated() -> QuerySet[Any]:
    mine = Job.objects.filter(repository=OuterRef("pk")).order_by("-pk").values("pk")
    return Repository.objects.annotate(
        fetch_id=Subquery(mine.filter(kind="fetch", state__in=ACTIVE)[:1]),
        last_id=Subquery(mine.exclude(kind="fetch")[:1]),
    ).order_by("name")
