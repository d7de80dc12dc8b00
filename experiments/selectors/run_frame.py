"""What surrounds every page of a run: its header, its tabs, and what is being written about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from experiments import run_facts
from experiments.job_states import JobState
from experiments.mirror_values import LIVE_STATUSES
from experiments.models import Job, MetricSeries, Repository, Run, RunListing, RunTag
from experiments.run_edits import KIND
from experiments.run_tags import ARCHIVED
from integrations.mlflow_records import PARENT_TAG

SYSTEM = "system/"
_EDITS = 50
#: For how long a change that could not be written is told.
_TOLD = timedelta(hours=1)


@dataclass(frozen=True)
class Edits:
    """Changes of a run that MLflow does not have yet.

    :ivar waiting: jobs that write them, the oldest first
    :ivar failed: the last one, if it could not be written
    """

    waiting: tuple[Job, ...]
    failed: Job | None

    @property
    def set_tags(self) -> dict[str, str]:
        """Tags as they will be; what is taken away is not among them."""
        found: dict[str, str] = {}
        for job in self.waiting:
            found |= {str(key): str(value) for key, value in job.payload.get("set_tags", {}).items()}
            for key in job.payload.get("delete_tags", ()):
                found.pop(key, None)
        return found

    @property
    def deleted(self) -> frozenset[str]:
        """Tags that will be gone."""
        gone: set[str] = set()
        for job in self.waiting:
            gone |= set(map(str, job.payload.get("delete_tags", ())))
            gone -= set(job.payload.get("set_tags", {}))
        return frozenset(gone)


@dataclass(frozen=True)
class Frame:
    """What every page of a run shows.

    :ivar tags: as MLflow will have them once the waiting edits are written
    :ivar children: how many runs are nested in it
    :ivar metrics: how many metrics it has besides those of its machine, which are `system`
    :ivar files: how many files it has, as far as is known
    """

    run: Run
    tags: dict[str, str]
    edits: Edits
    duration: timedelta | None
    parent: Run | None
    children: int
    metrics: int
    system: int
    files: int | None
    job: Job | None
    repository: Repository | None
    mlflow_url: str

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.run.status in LIVE_STATUSES

    @property
    def is_archived(self) -> bool:
        """Whether tables leave it out, or soon will."""
        return ARCHIVED in self.tags

    @property
    def note(self) -> str:
        """What was written about it, unless that is its name already."""
        note = str(self.tags.get(run_facts.NOTE, "")).strip()
        return "" if note == self.run.name else note


def frame(run: Run) -> Frame:
    """Return what surrounds the pages of `run`. At most six queries.

    :param run: with its experiment loaded
    """
    edits = _edits(run)
    tags = {key: value for key, value in {**run.tags, **edits.set_tags}.items() if key not in edits.deleted}
    system = sum(key.startswith(SYSTEM) for key in run.metrics)
    listing = RunListing.objects.filter(run=run, read_at__isnull=False).values_list("count", flat=True)
    return Frame(
        run=run,
        tags=tags,
        edits=edits,
        duration=_duration(run),
        parent=_parent(run),
        children=RunTag.objects.filter(key=PARENT_TAG, value=run.run_id).count(),
        metrics=len(run.metrics) - system,
        system=system,
        files=listing.first(),
        job=_job(run),
        repository=_repository(run),
        mlflow_url=_mlflow_url(run),
    )


def lengths(run: Run) -> dict[str, int]:
    """Return how many points each metric has. One query."""
    return dict(MetricSeries.objects.filter(run=run).values_list("key", "length"))


def _edits(run: Run) -> Edits:
    """Return the changes of `run` that are under way or failed a short while ago, of the newest edits."""
    recent = Job.objects.filter(kind=KIND).order_by("-pk")[:_EDITS]
    mine = [job for job in recent if run.run_id in job.payload.get("run_ids", ())]
    waiting = tuple(reversed([job for job in mine if not JobState(job.state).is_terminal]))
    failed = mine[0] if mine and mine[0].state == JobState.FAILED else None
    if failed and failed.finished_at and timezone.now() - failed.finished_at > _TOLD:
        failed = None
    return Edits(waiting, failed)


def _duration(run: Run) -> timedelta | None:
    if run.started_at is None:
        return None
    return (run.ended_at or timezone.now()) - run.started_at


def _parent(run: Run) -> Run | None:
    parent = str(run.tags.get(PARENT_TAG, ""))
    return Run.objects.filter(run_id=parent).only("run_id", "name").first() if parent else None


def _job(run: Run) -> Job | None:
    number = str(run.tags.get(run_facts.JOB, ""))
    if not number.isdecimal() or len(number) > 18:
        return None
    return Job.objects.select_related("repository").filter(pk=int(number)).first()


def _repository(run: Run) -> Repository | None:
    return Repository.objects.filter(name=str(run.tags.get(run_facts.REPOSITORY, ""))).first()


def _mlflow_url(run: Run) -> str:
    base = str(settings.MLFLOW_PUBLIC_URL).rstrip("/")
    return f"{base}/#/experiments/{run.experiment.experiment_id}/runs/{run.run_id}"
