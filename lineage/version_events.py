"""The OpenLineage events of a version's origin, for its evidence: they claim no time that nobody took.

A version out of a pipeline has the runs of the job that made it, with the ids under which they were told
while they ran. One out of a plain MLflow run has that run, with what it names as its data; the stages of its
commit are not claimed to be its own. Whatever has no times on record (a stage whose result was in the cache,
a run that MLflow has no more) is described as a job, without a run.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from experiments.models import Job, Repository, Run
from lineage.openlineage_events import Source, State, description, event, run_id, whole
from lineage.origin import DataFile, Origin, Step
from registry import version_sources
from registry.models import ModelVersion

_ENDS: dict[str, State] = {"FINISHED": "COMPLETE", "FAILED": "FAIL", "KILLED": "ABORT"}
_RAN, _WHOLE = "ran", ""

Event = dict[str, Any]
Times = dict[str, tuple[datetime, datetime]]


def lines(version: ModelVersion, origin: Origin) -> Iterator[str]:
    """Yield every event as a line of JSON. Two queries at most."""
    of_pipeline = bool(origin.steps) and version_sources.job_number(version) is not None
    for made in _of_stages(version, origin) if of_pipeline else _of_run(version):
        yield json.dumps(made, ensure_ascii=False, sort_keys=True) + "\n"


def _of_stages(version: ModelVersion, origin: Origin) -> Iterator[Event]:
    repository = Repository.objects.filter(name=origin.repository).first()
    source = Source(origin.repository or "unknown", repository.url if repository else "", origin.commit)
    job = version_sources.job_of(version)
    times = _times(job.result) if job else {}
    if job and _WHOLE in times:
        yield from _of_job(job, source, origin.steps, times)
    for step in origin.steps:
        if step.name not in times:
            yield description(source, step, "STAGE", at=timezone.now(), producer=settings.BASE_URL)


def _of_job(job: Job, source: Source, steps: tuple[Step, ...], times: Times) -> Iterator[Event]:
    run = run_id("job", job.pk, job.attempt)
    start, end = _run(run, source, whole(source.repository, steps), times[_WHOLE])
    yield start
    ran = [step for step in steps if step.name in times]
    for step in sorted(ran, key=lambda step: times[step.name]):
        own = run_id("job", job.pk, job.attempt, step.name)
        yield from _run(own, source, step, times[step.name], parent=(run, source.repository))
    yield end


def _run(
    run: str,
    source: Source,
    step: Step,
    times: tuple[datetime, datetime],
    end: State = "COMPLETE",
    parent: tuple[str, str] | None = None,
) -> Iterator[Event]:
    states: tuple[State, State] = ("START", end)
    for state, at in zip(states, times, strict=True):
        yield event(state, run, source, step, at=at, producer=settings.BASE_URL, parent=parent)


def _times(result: Mapping[str, Any]) -> Times:
    """Return when each stage that ran in the job began and ended, and the job; empty if it did not say."""
    start, end = _instant(result.get("started_at")), _instant(result.get("finished_at"))
    if start is None or end is None:
        return {}
    found = {_WHOLE: (start, end)}
    for stage in result.get("stages") or ():
        began = _instant(stage.get("started_at"))
        if began and stage["state"] == _RAN:
            found[stage["name"]] = (began, began + timedelta(seconds=stage["seconds"]))
    return found


def _instant(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


def _of_run(version: ModelVersion) -> Iterator[Event]:
    row = Run.objects.select_related("experiment").filter(run_id=version.run_id).first()
    size = sum(file.get("size") or 0 for file in version.manifest)
    model = DataFile(version.source or str(version), version.manifest_digest, size, len(version.manifest))
    step = Step("run", "", _read_by(row) if row else (), (model,))
    source = Source(row.experiment.name if row else version.model.name, "", "", "MLFLOW")
    if row and row.started_at and row.ended_at and row.status in _ENDS:
        times = (row.started_at, row.ended_at)
        yield from _run(_uuid(row.run_id), source, step, times, _ENDS[row.status])
    else:
        yield description(source, step, "RUN", at=timezone.now(), producer=settings.BASE_URL)


def _read_by(row: Run) -> tuple[DataFile, ...]:
    """Return the data that a run names, by MLflow's own inputs and by our tags."""
    found = {one["name"]: DataFile(one["name"], one["digest"]) for one in row.inputs}
    if value := row.tags.get("dataset_hash"):
        name = row.tags.get("dataset_name") or "data"
        found[name] = DataFile(name, value)
    return tuple(found.values())


def _uuid(identifier: str) -> str:
    """Return MLflow's id of a run as OpenLineage wants it; one of our own if it is no UUID."""
    try:
        return str(uuid.UUID(identifier))
    except ValueError:
        return run_id("run", identifier)
