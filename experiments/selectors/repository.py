"""Everything the page of one repository shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from accounts.models import User
from experiments.job_states import ACTIVE
from experiments.job_summary import JobSummary
from experiments.models import Commit, Experiment, Job, Ref, Repository
from experiments.selectors.jobs import JobFilter, recent, summaries

PAGE_SIZE = 25
_JOBS = 6
# What lists of commits do not show and is large.
_NOT_LISTED = ("params_text", "pipeline", "parents")


@dataclass(frozen=True)
class Refs:
    """The branches and tags of a repository, as last fetched; each with its commit."""

    branches: list[Ref]
    tags: list[Ref]

    @property
    def names(self) -> set[str]:
        """What can be chosen by name."""
        return {ref.name for ref in (*self.branches, *self.tags)}


@dataclass(frozen=True)
class CommitRow:
    """A commit in the list; `job` made it, if it is a result."""

    commit: Commit
    refs: list[Ref]
    job: Job | None


@dataclass(frozen=True)
class Activity:
    """What happens to a repository.

    :ivar fetch: the fetch that waits or runs, if one does
    :ivar jobs: its newest jobs
    """

    fetch: JobSummary | None
    jobs: list[JobSummary]

    @property
    def is_live(self) -> bool:
        """Whether something will change by itself."""
        return self.fetch is not None or any(one.is_active for one in self.jobs)


def activity(repository: Repository, reader: User) -> Activity:
    """Return what happens to `repository` and `reader` may see. Three queries."""
    waiting = repository.jobs.filter(kind="fetch", state__in=ACTIVE).select_related("repository")
    fetch = summaries(list(waiting.order_by("-pk").defer("result")[:1]))
    jobs = recent(JobFilter(repository=repository, reader=reader), _JOBS)
    return Activity(fetch[0] if fetch else None, jobs)


def refs_of(repository: Repository) -> Refs:
    """Return the branches and tags; the default branch comes first. One query."""
    rows = repository.refs.select_related("commit").defer(*(f"commit__{name}" for name in _NOT_LISTED))
    found = sorted(rows, key=lambda ref: (ref.name != repository.default_ref, ref.name))
    return Refs(
        branches=[ref for ref in found if ref.kind == Ref.Kind.BRANCH],
        tags=[ref for ref in found if ref.kind == Ref.Kind.TAG],
    )


def commits_page(repository: Repository, number: str | None) -> Page[CommitRow]:
    """Return one page of the commits that are known here, newest first. Four queries."""
    rows = repository.commits.defer(*_NOT_LISTED).prefetch_related("refs")
    paginator: Paginator[Any] = Paginator(rows, PAGE_SIZE)
    page = paginator.get_page(number)
    commits = list(page.object_list)
    makers = makers_of(repository, (commit.sha for commit in commits))
    found = [CommitRow(commit, list(commit.refs.all()), makers.get(commit.sha)) for commit in commits]
    return Page(found, page.number, paginator)


def makers_of(repository: Repository, shas: Iterable[str]) -> dict[str, Job]:
    """Return the jobs whose results are commits, by hash. One query."""
    jobs = repository.jobs.filter(kind="pipeline", state="succeeded", result__sha__in=list(shas))
    return {str(job.result["sha"]): job for job in jobs.only("repository", "result")}


def experiment_of(repository: Repository) -> Experiment | None:
    """Return MLflow's experiment of its runs, once the mirror has it. One query."""
    return Experiment.objects.filter(name=repository.experiment_name).first()
