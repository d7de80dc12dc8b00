"""Everything the page of one job shows, except its log."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from experiments import job_queue, job_result, job_visibility, parameter_changes
from experiments.job_result import Fact
from experiments.job_states import JobState
from experiments.job_summary import JobSummary, summarise
from experiments.models import Commit, Job, Run
from experiments.parameter_changes import ParameterChange
from experiments.repositories import mirror_path
from experiments.selectors import job_durations, job_log

_LAST_LINES = 8
_LINES_BEFORE_ERROR = 20
_MAX_DESCENDANTS = 50


@dataclass(frozen=True)
class JobDetail:
    """One job with what led to it and what came of it.

    :ivar changes: parameters it sets, beside what its commit has
    :ivar descendants: the jobs that it, or one of those, asked for; oldest first
    :ivar result: what it left, as facts
    :ivar rebuild: the commands that bring its result back; empty if it made no commit
    :ivar run_id: MLflow's id of the run that it is about, empty if there is none yet
    :ivar run: that run, once the mirror has it
    :ivar last_lines: end of the log of a job that failed
    :ivar first_error: number of the line where the trouble of a failed job seems to begin
    """

    summary: JobSummary
    changes: list[ParameterChange]
    descendants: list[JobSummary]
    result: list[Fact]
    rebuild: str
    run_id: str
    run: Run | None
    last_lines: list[job_log.Line]
    first_error: int | None

    @property
    def first_error_window(self) -> int:
        """Where a window of the log begins that shows the first error; 0 if the end of the log does."""
        if self.first_error is None or not self.last_lines:
            return 0
        if self.first_error > self.last_lines[-1].number - job_log.TAIL:
            return 0
        return max(1, self.first_error - _LINES_BEFORE_ERROR)

    @property
    def is_live(self) -> bool:
        """Whether something about it will still change by itself."""
        return self.summary.is_active or any(one.is_active for one in self.descendants)


def detail(job: Job, reader: User) -> JobDetail:
    """Return everything about `job` that `reader` may see. At most ten queries."""
    now = timezone.now()
    failed = job.state == JobState.FAILED
    descendants = _descendants(job, reader)
    run_id = _run_id([job, *descendants])
    usual = job_durations.usual([job]).get((job.kind, job.repository_id))
    return JobDetail(
        summary=summarise(job, now, job_queue.places([job]).get(job.pk), usual),
        changes=_changes(job),
        descendants=[summarise(one, now) for one in descendants],
        result=job_result.facts(job.result if isinstance(job.result, dict) else {}),
        rebuild=_rebuild(job),
        run_id=run_id,
        run=Run.objects.filter(run_id=run_id).first() if run_id else None,
        last_lines=job_log.tail(job, _LAST_LINES).lines if failed else [],
        first_error=job_log.first_error(job) if failed else None,
    )


def _descendants(job: Job, reader: User) -> list[Job]:
    rows = Job.objects.filter(Q(parent=job) | Q(parent__parent=job)).select_related("repository")
    rows = rows.filter(job_visibility.visible_q(reader))
    return list(rows.order_by("pk")[:_MAX_DESCENDANTS])


def _run_id(jobs: list[Job]) -> str:
    """Return the run that was logged, or else the one that a job was told to work on."""
    for facts in (*(job.result for job in jobs), jobs[0].payload):
        if isinstance(facts, dict) and isinstance(facts.get("run_id"), str):
            return facts["run_id"]
    return ""


def _rebuild(job: Job) -> str:
    sha = job.result.get("sha") if isinstance(job.result, dict) else None
    if job.repository is None or not isinstance(sha, str):
        return ""
    # The commit of a result is in our mirror; whether it ever gets to the place it came from is up to people.
    path, name = str(mirror_path(job.repository)), job.repository.name
    return " && ".join(job_result.rebuild_commands(path, name, sha))


def _changes(job: Job) -> list[ParameterChange]:
    payload = job.payload if isinstance(job.payload, dict) else {}
    overrides = payload.get("overrides")
    if not isinstance(overrides, dict) or not overrides:
        return []
    known = Commit.objects.filter(repository=job.repository_id, sha=str(payload.get("sha")))
    text: Any = known.values_list("params_text", flat=True).first()
    return parameter_changes.changes(text or "", overrides)
