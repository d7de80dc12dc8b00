"""A job in words: what it is called, what it changes, how far it is. No queries, no markup."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments import labels
from experiments.job_queue import Place
from experiments.job_states import JobState
from experiments.job_words import why_it_waits
from experiments.models import Job, Priority
from experiments.value_text import value_text

_SHORT_SHA = 8
_DONE = {"done", "skipped"}


@dataclass(frozen=True)
class Change:
    """A parameter that the job sets, both sides as text."""

    key: str
    value: str


@dataclass(frozen=True)
class Progress:
    """How many of the steps are behind, and the name of the one that runs."""

    done: int
    total: int
    current: str

    @property
    def number(self) -> int:
        """Which step runs, counting from 1; 0 if none does."""
        return self.done + 1 if self.current else 0


@dataclass(frozen=True)
class JobSummary:
    """What lists and headers say about one job.

    :ivar label: its kind for people
    :ivar title: what it works on, such as ``receipt-ocr @ main``; its kind where there is no such thing
    :ivar note: what the submitter wrote about it
    :ivar waits: time spent in the queue before the attempt that counts; None if that is not known
    :ivar runs: time of the attempt that counts so far; None before the first
    :ivar due_in: time until it may start again, where it has to wait for that
    :ivar usual: how long jobs like it took before
    :ivar place: where it stands in the queue, if it waits there
    """

    job: Job
    label: str
    title: str
    note: str
    changes: tuple[Change, ...]
    progress: Progress
    waits: timedelta | None
    runs: timedelta | None
    due_in: timedelta | None
    place: Place | None = None
    usual: timedelta | None = None

    @property
    def priority(self) -> str:
        """Its priority as forms and REST write it."""
        return Priority(self.job.priority).name.lower()

    @property
    def why(self) -> str:
        """What it waits for, where it waits and is due."""
        return why_it_waits(self.job, self.place.limit) if self.place else ""

    @property
    def is_active(self) -> bool:
        """Whether something will still happen to it by itself."""
        return not JobState(self.job.state).is_terminal

    @property
    def next_attempt(self) -> int:
        """Number of the attempt that comes next."""
        return self.job.attempt + 1

    @property
    def is_cancelling(self) -> bool:
        """Whether it has been told to end and has not yet."""
        return self.is_active and self.job.cancel_requested_at is not None

    @property
    def is_retried(self) -> bool:
        """Whether it waits for another attempt after one that did not succeed."""
        return self.job.state == JobState.QUEUED and bool(self.job.error)


def summarise(
    job: Job, now: datetime, place: Place | None = None, usual: timedelta | None = None
) -> JobSummary:
    """Return `job` in words; its repository, if any, should be loaded.

    :param now: the present, with a time zone
    """
    payload = _mapping(job.payload)
    label = labels.kind(job.kind)
    return JobSummary(
        job=job,
        label=label,
        title=_subject(job, payload) or label,
        note=str(payload.get("note") or ""),
        changes=changes_of(payload),
        progress=_progress(job),
        waits=_waits(job, now),
        runs=_runs(job, now),
        due_in=_due_in(job, now),
        place=place,
        usual=usual,
    )


def changes_of(payload: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the parameters that a payload sets."""
    overrides = _mapping(payload.get("overrides"))
    return tuple(Change(key, value_text(value)) for key, value in overrides.items())


def ref_text(payload: Mapping[str, Any]) -> str:
    """Return the branch, tag or (shortened) commit that a payload names; empty if it names none."""
    ref, sha = str(payload.get("ref") or ""), str(payload.get("sha") or "")
    if payload.get("ref_kind") == "commit" or (sha and ref == sha) or not ref:
        return (sha or ref)[:_SHORT_SHA]
    return ref


def _subject(job: Job, payload: Mapping[str, Any]) -> str:
    """Return what is worked on. Other apps name it in their payloads by the same words."""
    if payload.get("model"):
        return " ".join(str(payload[key]) for key in ("model", "version") if payload.get(key))
    repository = job.repository.name if job.repository else str(payload.get("repository") or "")
    if repository:
        ref = ref_text(payload)
        return f"{repository} @ {ref}" if ref else repository
    run_ids = payload.get("run_ids") or [payload.get("run_id") or ""]
    if len(run_ids) > 1:
        return ngettext("%(count)d run", "%(count)d runs", len(run_ids)) % {"count": len(run_ids)}
    run_id = str(run_ids[0])
    return _("Run %(run)s") % {"run": run_id[:_SHORT_SHA]} if run_id else ""


def _progress(job: Job) -> Progress:
    states = [(str(step.get("name", "")), step.get("state")) for step in job.steps]
    running = next((name for name, state in states if state == "running"), "")
    current = labels.step(job.kind, running) if running else ""
    return Progress(sum(state in _DONE for _name, state in states), len(states), current)


def _waits(job: Job, now: datetime) -> timedelta | None:
    if job.state == JobState.QUEUED:
        return now - job.created_at if job.attempt == 0 else None
    return job.started_at - job.created_at if job.started_at and job.attempt == 1 else None


def _runs(job: Job, now: datetime) -> timedelta | None:
    if job.started_at is None or job.state == JobState.QUEUED:
        return None
    return (job.finished_at or now) - job.started_at


def _due_in(job: Job, now: datetime) -> timedelta | None:
    if job.state != JobState.QUEUED or job.not_before <= now + timedelta(seconds=1):
        return None
    return job.not_before - now


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
