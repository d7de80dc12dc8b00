"""Lists of jobs."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from experiments import job_queue
from experiments.job_states import ACTIVE, JobState
from experiments.job_summary import JobSummary, summarise
from experiments.job_visibility import visible_q
from experiments.models import Job, Repository
from experiments.selectors import job_durations

PAGE_SIZE = 50
ACTIVE_WORD = "active"
# What a list does not show and may be large.
_NOT_LISTED = ("result",)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list has; an empty field asks for nothing.

    :ivar state: a state, or ``active`` for all jobs that wait or run
    :ivar kind: name of a kind
    :ivar submitter: only the jobs of this person
    :ivar person: only the jobs of the person with this name
    :ivar sweep: only the jobs of the sweep with this number
    :ivar reader: only the jobs that this person sees; None: all, for what is no answer to a person
    """

    state: str = ""
    kind: str = ""
    submitter: User | None = None
    repository: Repository | None = None
    reader: User | None = None
    person: str = ""
    sweep: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every job passes."""
        asked = (self.state, self.kind, self.submitter, self.repository, self.person, self.sweep)
        return not any(asked)


def matching(wanted: JobFilter) -> QuerySet[Job]:
    """Return the jobs that pass `wanted`, newest first, with what a list needs. No query yet."""
    rows = Job.objects.select_related("repository").order_by("-pk")
    if wanted.state == ACTIVE_WORD:
        rows = rows.filter(state__in=ACTIVE)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.submitter:
        rows = rows.filter(submitted_by=wanted.submitter)
    if wanted.repository:
        rows = rows.filter(repository=wanted.repository)
    if wanted.person:
        rows = rows.filter(submitted_by_name=wanted.person)
    if wanted.sweep is not None:
        rows = rows.filter(trial__sweep=wanted.sweep)
    if wanted.reader:
        rows = rows.filter(visible_q(wanted.reader))
    return rows


def page_of(wanted: JobFilter, number: str | None) -> Page[JobSummary]:
    """Return one page of the list; what is no number of a page gives the nearest one. Two queries."""
    paginator: Paginator[Any] = Paginator(matching(wanted).defer(*_NOT_LISTED), PAGE_SIZE)
    page = paginator.get_page(number)
    return Page(summaries(list(page.object_list)), page.number, paginator)


def recent(wanted: JobFilter, limit: int) -> list[JobSummary]:
    """Return the newest jobs that pass. One query."""
    return summaries(list(matching(wanted).defer(*_NOT_LISTED)[:limit]))


def summaries(rows: list[Job]) -> list[JobSummary]:
    """Return rows in words, all of the same instant. Two queries if one waits, one if one runs."""
    now = timezone.now()
    places = job_queue.places(rows)
    usual = job_durations.usual([row for row in rows if row.state == JobState.RUNNING])
    return [summarise(row, now, places.get(row.pk), usual.get((row.kind, row.repository_id))) for row in rows]


def states() -> list[str]:
    """Return what `JobFilter.state` may be."""
    return [ACTIVE_WORD, *JobState]
