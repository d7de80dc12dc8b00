"""Sweeps: their list, and everything the page of one shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from experiments.job_states import ACTIVE, JobState
from experiments.models import Job, Repository, Run, Sweep, Trial
from experiments.value_text import value_text

PAGE_SIZE = 50


@dataclass(frozen=True)
class SweepRow:
    """A sweep in the list.

    :ivar ended: how many of its trials are done, whatever came of them
    :ivar best: the best value so far; None without one
    """

    sweep: Sweep
    ended: int
    best: float | None

    @property
    def is_live(self) -> bool:
        """Whether it goes on by itself."""
        return self.sweep.state == Sweep.State.RUNNING


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    :ivar values: its parameters as texts, in the order of the columns
    :ivar run: the run that it became, once the mirror has it
    :ivar is_best: whether no other was better so far
    """

    trial: Trial
    values: list[str]
    run: Run | None
    is_best: bool
    runs: timedelta | None

    @property
    def job(self) -> Job | None:
        """The job that tries it, if it was submitted."""
        return self.trial.job

    @property
    def state(self) -> str:
        """State of its job; empty before there is one."""
        return self.trial.job.state if self.trial.job else ""


@dataclass(frozen=True)
class SweepDetail:
    """One sweep with its trials.

    :ivar columns: the parameters that differ between trials
    :ivar fixed: those that are set and the same in all
    :ivar best: the best trial so far
    """

    sweep: Sweep
    columns: list[str]
    fixed: list[tuple[str, str]]
    trials: list[TrialRow]
    best: TrialRow | None

    @property
    def ended(self) -> int:
        """How many trials are done, whatever came of them."""
        return sum(bool(row.trial.outcome) for row in self.trials)

    @property
    def measured(self) -> int:
        """How many trials have a value."""
        return sum(row.trial.value is not None for row in self.trials)

    @property
    def failed(self) -> int:
        """How many trials failed."""
        return sum(row.trial.outcome == Trial.Outcome.FAILED for row in self.trials)

    @property
    def active(self) -> int:
        """How many jobs wait or run."""
        return sum(row.state in ACTIVE for row in self.trials)

    @property
    def is_live(self) -> bool:
        """Whether something will still change by itself."""
        return self.sweep.state == Sweep.State.RUNNING or self.active > 0

    @property
    def run_ids(self) -> list[str]:
        """MLflow's ids of the runs that the mirror has, the best first."""
        return [row.run.run_id for row in in_order(self) if row.run]


def matching(repository: Repository | None = None) -> QuerySet[Sweep]:
    """Return the sweeps (of one repository), newest first, with what a list needs. No query yet."""
    rows = Sweep.objects.select_related("repository", "commit")
    rows = rows.defer("commit__params_text", "commit__pipeline").filter(**_of(repository))
    measured = Q(trials__value__isnull=False)
    return rows.order_by("-pk").annotate(
        ended_count=Count("trials", filter=~Q(trials__outcome="")),
        low=Min("trials__value", filter=measured),
        high=Max("trials__value", filter=measured),
    )


def page_of(number: str | None, repository: Repository | None = None) -> Page[SweepRow]:
    """Return one page of the list. Two queries."""
    paginator: Paginator[Any] = Paginator(matching(repository), PAGE_SIZE)
    page = paginator.get_page(number)
    return Page(rows(list(page.object_list)), page.number, paginator)


def rows(sweeps: Sequence[Any]) -> list[SweepRow]:
    """Return sweeps out of `matching` as the list shows them."""
    return [
        SweepRow(one, one.ended_count, one.low if one.direction == Sweep.Direction.MIN else one.high)
        for one in sweeps
    ]


def detail(sweep: Sweep) -> SweepDetail:
    """Return everything about `sweep`. Three queries."""
    trials = list(sweep.trials.select_related("job").defer("job__result", "job__payload"))
    runs = _runs([trial.job_id for trial in trials if trial.job_id is not None])
    varied = [key for key, one in sweep.space.items() if len(one.get("values", (0, 0))) > 1]
    fixed = [(key, value_text(one["values"][0])) for key, one in sweep.space.items() if key not in varied]
    measured = [trial for trial in trials if trial.value is not None]
    best = min(measured, key=lambda trial: (_rank(sweep, trial.value), trial.number), default=None)
    now = timezone.now()
    found = [
        TrialRow(
            trial,
            [value_text(trial.params.get(key)) for key in varied],
            runs.get(trial.job_id or 0),
            trial is best,
            _took(trial.job, now),
        )
        for trial in trials
    ]
    return SweepDetail(sweep, varied, fixed, found, next((row for row in found if row.is_best), None))


def in_order(detail: SweepDetail) -> list[TrialRow]:
    """Return the trials, the best first, those without a value last."""
    return sorted(detail.trials, key=lambda row: (_rank(detail.sweep, row.trial.value), row.trial.number))


def _rank(sweep: Sweep, value: float | None) -> float:
    if value is None:
        return float("inf")
    return value if sweep.direction == Sweep.Direction.MIN else -value


def _runs(jobs: list[int]) -> dict[int, Run]:
    """Return the runs that were logged of these pipeline jobs, by job. Two queries."""
    logged = Job.objects.filter(parent__in=jobs, kind="log_run", state=JobState.SUCCEEDED)
    ids = dict(logged.values_list("result__run_id", "parent"))
    mirrored = Run.objects.filter(run_id__in=[one for one in ids if isinstance(one, str)])
    known = mirrored.only("run_id", "name")
    return {ids[run.run_id]: run for run in known if ids[run.run_id] is not None}


def _took(job: Job | None, now: datetime) -> timedelta | None:
    if job is None or job.started_at is None or job.state == JobState.QUEUED:
        return None
    return (job.finished_at or now) - job.started_at


def _of(repository: Repository | None) -> dict[str, Any]:
    return {"repository": repository} if repository else {}
