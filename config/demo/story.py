"""What happens in the demo, step by step, as real operations of the demo people.

Each step looks first whether it was done already, so an interrupted demo continues where it was.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import User
from config.demo import decisions, project
from experiments import jobs, launches, repositories
from experiments.job_states import TERMINAL, JobState
from experiments.models import Job, Repository, Run
from registry import registration
from registry.conflicts import ConflictError
from registry.models import ModelVersion, RegisteredModel
from registry.stages import Stage

MODEL = "receipt-ocr"
REPOSITORY = "receipt-ocr"


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Launch:
    """One pipeline run of the demo."""

    name: str
    ref: str
    overrides: dict[str, Any] = field(default_factory=dict)
    note: str = ""


LAUNCHES = [
    Launch("baseline", "data-1.0.0", {"train.architecture": "CNN"}, "A plain CNN as the baseline"),
    Launch("crnn", "data-1.0.0", {}, "CRNN with CTC on the same scans"),
    Launch("more-scans", "main", {}, "All 1,797 scans"),
    Launch("slower", "main", {"train.learning_rate": 0.001}, "A smaller step size"),
    Launch("short", "main", {"train.epochs": 2}, "Two epochs only, to see how fast it learns"),
]
# Versions are made from these runs, in this order; the last run stays an experiment.
REGISTERED = ["baseline", "crnn", "more-scans", "slower"]

Say = Callable[[str], None]


def prepare(data_dir: Path, say: Say) -> None:
    """Create the project and submit the jobs, for people who exist already."""
    source = project.ensure(Path(settings.BASE_DIR) / "examples" / REPOSITORY, data_dir / "demo")
    repository = Repository.objects.filter(name=REPOSITORY).first()
    if repository is None:
        say(f"Connecting {source}")
        repository = repositories.connect(
            REPOSITORY,
            str(source),
            user=_person("administrator"),
            description="Reads handwritten receipt amounts: scans, pipeline and model code",
            experiment_name=MODEL,
        )
    _wait(lambda: Repository.objects.get(pk=repository.pk).fetched_at is not None, "the repository", 120)
    repository.refresh_from_db()
    for launch in LAUNCHES:
        launches.launch(
            repository,
            ref=launch.ref,
            overrides=launch.overrides,
            user=_person("engineer"),
            note=launch.note,
            key=f"demo:{launch.name}",
        )


def tell(say: Say) -> None:
    """Follow the jobs to their end, register the versions, and decide about all but one of them."""
    for name in REGISTERED:
        version = _registered(name, _run_of(name, say), say)
        say(f"Version {version.version} of {MODEL} is registered")
    model = RegisteredModel.objects.get(name=MODEL)
    decisions.set_policy(model, _person)
    versions = list(model.versions.select_related("model").order_by("created_at", "pk"))
    first, second, third = versions[:3]
    for version in (first, second):
        _promoted(version, Stage.STAGING, say)
        _promoted(version, Stage.PRODUCTION, say)
    _promoted(third, Stage.STAGING, say)
    decisions.requested(third, Stage.PRODUCTION, _person, lambda job: _finished(job, say))
    say(f"Version {third.version} waits for two reviewers")


def _run_of(name: str, say: Say) -> Run:
    pipeline = _finished(Job.objects.get(key=f"demo:{name}"), say)
    logged = pipeline.children.filter(kind="log_run").first()
    if logged is None:
        raise DemoError(f"Job #{pipeline.pk} was not logged to MLflow.")
    run_id = _finished(logged, say).result["run_id"]
    _wait(lambda: Run.objects.filter(run_id=run_id).exists(), f"run {run_id}", 60)
    return Run.objects.get(run_id=run_id)


def _registered(name: str, run: Run, say: Say) -> ModelVersion:
    found = ModelVersion.objects.filter(model__name=MODEL, run_id=run.run_id).first()
    if found:
        return found
    job = registration.register(run, MODEL, user=_person("engineer"))
    _finished(job, say)
    return ModelVersion.objects.get(model__name=MODEL, run_id=run.run_id)


def _promoted(version: ModelVersion, stage: Stage, say: Say) -> None:
    version.refresh_from_db()
    try:
        done = decisions.promoted(version, stage, _person, lambda job: _finished(job, say))
    except ConflictError as error:
        raise DemoError(str(error)) from error
    if done:
        say(f"Version {version.version} went to {stage}")


def _finished(job: Job, say: Say) -> Job:
    """Wait for a job of the demo; it runs under the same rules as every job."""
    message = ""
    job.refresh_from_db()
    if job.state == JobState.FAILED:
        # Failed in an earlier start, for instance because the machine was switched off meanwhile.
        job = jobs.retry(job, user=_person("engineer"))
    for _ in _patience(30 * 60):
        job.refresh_from_db()
        if job.state in TERMINAL:
            break
        if job.message and job.message != message:
            message = job.message
            say(f"Job #{job.pk}: {message}")
    if job.state != JobState.SUCCEEDED:
        reason = job.error.splitlines()[0] if job.error else job.state
        raise DemoError(f"Job #{job.pk} ({job.kind}) did not succeed: {reason}")
    return job


def _wait(done: Callable[[], bool], what: str, seconds: float) -> None:
    for _ in _patience(seconds):
        if done():
            return
    raise DemoError(f"Waited {seconds:.0f} s in vain for {what}.")


def _patience(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        # Not holding a database connection open between two looks lets a restarted database be found again.
        connection.close()
        time.sleep(0.5)


def _person(name: str) -> User:
    return User.objects.get(username=name)
