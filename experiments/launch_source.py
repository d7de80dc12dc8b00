"""Values for the run form taken from an earlier job or run: cloning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments import run_facts
from experiments.models import Job, Repository, Run
from experiments.value_text import value_text

_DIGITS = 18


@dataclass(frozen=True)
class Prefill:
    """What a form begins with.

    :ivar values: parameter -> text
    :ivar ref: branch, tag or commit to start from; empty for the repository's default
    :ivar sha: commit that the job started from
    :ivar is_exact: whether each value was set by a person; a run also has values that are no parameters
    """

    values: dict[str, str] = field(default_factory=dict)
    ref: str = ""
    sha: str = ""
    is_exact: bool = False
    job: Job | None = None
    run: Run | None = None


def from_job(repository: Repository, number: str) -> Prefill | None:
    """Return what pipeline job `number` of `repository` set, or None if there is no such job. One query."""
    if not number.isdecimal() or len(number) > _DIGITS:
        return None
    job = repository.jobs.filter(pk=int(number), kind="pipeline").defer("result").first()
    return _of_job(job) if job else None


def from_run(repository: Repository, run_id: str) -> Prefill | None:
    """Return what made the run: its job's settings, else its own parameters. None if there is no such run."""
    run = Run.objects.filter(run_id=run_id[:64]).first() if run_id.isprintable() else None
    if run is None:
        return None
    made = from_job(repository, str(_mapping(run.tags).get(run_facts.JOB, "")))
    if made is not None:
        return Prefill(made.values, made.ref, made.sha, is_exact=True, job=made.job, run=run)
    return Prefill({str(key): str(value) for key, value in _mapping(run.params).items()}, run=run)


def _of_job(job: Job) -> Prefill:
    payload = _mapping(job.payload)
    overrides = _mapping(payload.get("overrides"))
    return Prefill(
        values={str(key): value_text(value) for key, value in overrides.items()},
        ref=str(payload.get("ref") or ""),
        sha=str(payload.get("sha") or ""),
        is_exact=True,
        job=job,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
