"""OpenLineage events (specification 2-0-2), built with the classes of its own client.

Nothing here is imported before it is needed: the client's classes cost a quarter of a second and 20 MB.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from integrations.git_urls import as_uri
from lineage.origin import DataFile, Step

State = Literal["START", "COMPLETE", "FAIL", "ABORT"]
Type = Literal["PIPELINE", "STAGE", "RUN"]
JOBS = "stagegate"
_IDS = uuid.UUID("5f2d3c1e-8a77-5d0e-9c52-3f6c1b0a7e11")


@dataclass(frozen=True)
class Source:
    """Where what runs comes from: the repository's name and address, and the commit.

    :ivar system: what ran it; without a repository the other fields are those of an experiment of MLflow
    """

    repository: str
    url: str
    commit: str
    system: Literal["DVC", "MLFLOW"] = "DVC"

    @property
    def namespace(self) -> str:
        """What the names of its data are unique in."""
        return f"{self.system.lower()}://{self.repository}"


def run_id(*parts: object) -> str:
    """Return the id of a run, the same for the same parts."""
    return str(uuid.uuid5(_IDS, "/".join(map(str, parts))))


def event(
    state: State,
    run: str,
    source: Source,
    step: Step,
    *,
    at: datetime,
    producer: str,
    parent: tuple[str, str] | None = None,
    problem: str = "",
) -> dict[str, Any]:
    """Return the event that a stage (or a whole pipeline) started or ended, as JSON.

    :param run: see :func:`run_id`
    :param producer: URI of this installation
    :param parent: run id and job name of the pipeline that the stage belongs to
    :param problem: why it failed
    """
    from openlineage.client import event_v2, serde
    from openlineage.client.facet_v2 import error_message_run, parent_run

    facets: dict[str, Any] = {}
    if parent is not None:
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent[0]),
            job=parent_run.Job(namespace=JOBS, name=parent[1]),
            producer=producer,
        )
    if problem:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=problem, programmingLanguage="unknown", producer=producer
        )
    whole: Type = "PIPELINE" if source.system == "DVC" else "RUN"
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[state],
        eventTime=at.isoformat(),
        run=event_v2.Run(runId=run, facets=facets),
        job=_job(source, step, "STAGE" if parent else whole, producer),
        inputs=[_input(source, one, producer) for one in step.inputs],
        outputs=[_output(source, one, producer) for one in step.outputs] if state != "START" else [],
        producer=producer,
    )
    return serde.Serde.to_dict(made)


def description(source: Source, step: Step, kind: Type, *, at: datetime, producer: str) -> dict[str, Any]:
    """Return the event that says what a job reads and makes without claiming that, or when, it ran.

    :param at: when this is said
    """
    from openlineage.client import event_v2, serde

    made = event_v2.JobEvent(
        eventTime=at.isoformat(),
        job=_job(source, step, kind, producer),
        inputs=[_input(source, one, producer) for one in step.inputs],
        outputs=[_output(source, one, producer) for one in step.outputs],
        producer=producer,
    )
    return serde.Serde.to_dict(made)


def _job(source: Source, step: Step, kind: Type, producer: str) -> Any:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import job_type_job, source_code_location_job

    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet("BATCH", source.system, kind, producer=producer),
    }
    if address := as_uri(source.url):
        facets["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url=address, repoUrl=source.url, version=source.commit, producer=producer
        )
    # The job of a whole pipeline has the name of its repository.
    name = f"{source.repository}.{step.name}" if kind == "STAGE" else source.repository
    return event_v2.Job(namespace=JOBS, name=name, facets=facets)


def whole(name: str, steps: Iterable[Step]) -> Step:
    """Return all stages as one: what none of them makes goes in, what they make comes out."""
    steps = list(steps)
    outputs = {one.path: one for step in steps for one in step.outputs}
    inputs = {one.path: one for step in steps for one in step.inputs if one.path not in outputs}
    return Step(name, "dvc repro", tuple(inputs.values()), tuple(outputs.values()))


def _facets(one: DataFile, producer: str) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset

    if not one.hash:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(one.hash, producer=producer)}


def _input(source: Source, one: DataFile, producer: str) -> Any:
    from openlineage.client import event_v2

    return event_v2.InputDataset(source.namespace, one.path, facets=_facets(one, producer))


def _output(source: Source, one: DataFile, producer: str) -> Any:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    measured: dict[str, Any] = {}
    if one.size is not None:
        measured["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
            size=one.size, fileCount=one.nfiles, producer=producer
        )
    return event_v2.OutputDataset(source.namespace, one.path, measured, facets=_facets(one, producer))
