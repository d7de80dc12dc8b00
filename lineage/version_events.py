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
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from experiments.models import Repository, Run
from integrations.git_urls import as_uri
from lineage.openlineage_events import Source, State, Type, description, event, run_id, whole
from lineage.origin import DataFile, Origin, Step
from registry import version_sources
from registry.models import ModelVersion

_ENDS: dict[str, State] = {"FINISHED": "COMPLETE", "FAILED": "FAIL", "KILLED": "ABORT"}
_RAN, _WHOLE = "ran", ""

Event = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """A run with the times on record.

    :ivar run: its id as OpenLineage wants it
    """

    run: str
    began: datetime
    ended: datetime
    state: State = "COMPLETE"


@dataclass(frozen=True)
class Told:
    """What the events of a version tell.

    :ivar steps: stages of a pipeline, or the MLflow run as one that has no name
    :ivar ran: name of a step -> its run; no name: the whole
    """

    source: Source
    steps: tuple[Step, ...]
    ran: Mapping[str, Ran]

    @property
    def is_pipeline(self) -> bool:
        """Whether stages are told of, or one run."""
        return self.source.system == "DVC"


def of(version: ModelVersion, origin: Origin) -> Told:
    """Return what the events of `version` tell. Three queries at most."""
    of_pipeline = bool(origin.steps) and version_sources.job_number(version) is not None
    return _of_stages(version, origin) if of_pipeline else _of_run(version)


def lines(told: Told) -> Iterator[str]:
    """Yield every event as a line of JSON."""
    for made in _events(told):
        yield json.dumps(made, ensure_ascii=False, sort_keys=True) + "\n"


def record(told: Told) -> dict[str, Any]:
    """Return the same as JSON, to compare the events with."""
    ran = [
        {"step": name, "run": one.run, "started_at": one.began, "ended_at": one.ended, "state": one.state}
        for name, one in told.ran.items()
    ]
    source = told.source
    about = {"system": source.system, "name": source.repository, "url": as_uri(source.url)}
    return {**about, "steps": [asdict(step) for step in told.steps], "ran": ran}


def _of_stages(version: ModelVersion, origin: Origin) -> Told:
    repository = Repository.objects.filter(name=origin.repository).first()
    source = Source(origin.repository or "unknown", repository.url if repository else "", origin.commit)
    job = version_sources.job_of(version)
    times = _times(job.result) if job else {}
    known = {_WHOLE, *(step.name for step in origin.steps)}
    ran = {
        name: Ran(run_id("job", job.pk, job.attempt, *filter(None, [name])), *times[name])
        for name in known & times.keys()
        if job
    }
    return Told(source, origin.steps, ran)


def _events(told: Told) -> Iterator[Event]:
    source, all_of_it = told.source, told.ran.get(_WHOLE)
    if all_of_it and told.is_pipeline:
        start, end = _run(all_of_it, source, whole(source.repository, told.steps))
        yield start
        ran = [step for step in told.steps if step.name in told.ran]
        for step in sorted(ran, key=lambda step: told.ran[step.name].began):
            yield from _run(told.ran[step.name], source, step, parent=(all_of_it.run, source.repository))
        yield end
    for step in told.steps:
        if step.name not in told.ran:
            kind: Type = "STAGE" if told.is_pipeline else "RUN"
            yield description(source, step, kind, at=timezone.now(), producer=settings.BASE_URL)
        elif not told.is_pipeline:
            yield from _run(told.ran[step.name], source, step)


def _run(one: Ran, source: Source, step: Step, parent: tuple[str, str] | None = None) -> Iterator[Event]:
    moments: tuple[tuple[State, datetime], ...] = (("START", one.began), (one.state, one.ended))
    for state, at in moments:
        yield event(state, one.run, source, step, at=at, producer=settings.BASE_URL, parent=parent)


def _times(result: Mapping[str, Any]) -> dict[str, tuple[datetime, datetime]]:
    """Return when each stage that ran in the job began and ended, and the job; empty if it did not say.

    Nor are there any where the clock of the worker went back.
    """
    start, end = _instant(result.get("started_at")), _instant(result.get("finished_at"))
    if start is None or end is None or end < start:
        return {}
    found = {_WHOLE: (start, end)}
    for stage in result.get("stages") or ():
        began = _instant(stage.get("started_at"))
        if began and stage["state"] == _RAN:
            found[stage["name"]] = (began, began + timedelta(seconds=stage["seconds"]))
    return found


def _instant(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


def _of_run(version: ModelVersion) -> Told:
    row = Run.objects.select_related("experiment").filter(run_id=version.run_id).first()
    size = sum(file.get("size") or 0 for file in version.manifest)
    model = DataFile(version.source or str(version), version.manifest_digest, size, len(version.manifest))
    step = Step(_WHOLE, "", _read_by(row) if row else (), (model,))
    source = Source(row.experiment.name if row else version.model.name, "", "", "MLFLOW")
    ran = _ran(row) if row else None
    return Told(source, (step,), {_WHOLE: ran} if ran else {})


def _ran(row: Run) -> Ran | None:
    """Return the run with its times; None if it has none. What a client writes may end before it begins."""
    began, ended = row.started_at, row.ended_at
    if began is None or ended is None or ended < began or row.status not in _ENDS:
        return None
    return Ran(_uuid(row.run_id), began, ended, _ENDS[row.status])


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
