"""OpenLineage events (specification 2-0-2), built with the classes of its own client.

Nothing here is imported before it is needed: the client's classes cost a quarter of a second and 20 MB.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lineage.origin import DataFile, Step

State = Literal["START", "COMPLETE", "FAIL", "ABORT"]
JOBS = "stagegate"
_IDS = uuid.UUID("5f2d3c1e-8a77-5d0e-9c52-3f6c1b0a7e11")


@dataclass(frozen=True)
class Source:
    """Where what runs comes from: the repository's name and address, and the commit."""

    repository: str
    url: str
    commit: str


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
    from openlineage.client.facet_v2 import (
        error_message_run,
        job_type_job,
        parent_run,
        source_code_location_job,
    )

    run_facets: dict[str, Any] = {}
    if parent is not None:
        run_facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent[0]),
            job=parent_run.Job(namespace=JOBS, name=parent[1]),
            producer=producer,
        )
    if problem:
        run_facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=problem, programmingLanguage="unknown", producer=producer
        )
    kind = "STAGE" if parent else "PIPELINE"
    job_facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "DVC", kind, producer=producer),
    }
    if source.url:
        job_facets["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url=source.url, repoUrl=source.url, version=source.commit, producer=producer
        )
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[state],
        eventTime=at.isoformat(),
        run=event_v2.Run(runId=run, facets=run_facets),
        job=event_v2.Job(
            namespace=JOBS, name=job_name(source, step, whole=parent is None), facets=job_facets
        ),
        inputs=[_input(source, one, producer) for one in step.inputs],
        outputs=[_output(source, one, producer) for one in step.outputs] if state != "START" else [],
        producer=producer,
    )
    return serde.Serde.to_dict(made)


def job_name(source: Source, step: Step, *, whole: bool) -> str:
    """Return what the job of a stage is called; that of a whole pipeline has the name of its repository."""
    return source.repository if whole else f"{source.repository}.{step.name}"


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

    return event_v2.InputDataset(_namespace(source), one.path, facets=_facets(one, producer))


def _output(source: Source, one: DataFile, producer: str) -> Any:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    measured: dict[str, Any] = {}
    if one.size is not None:
        measured["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
            size=one.size, fileCount=one.nfiles, producer=producer
        )
    return event_v2.OutputDataset(_namespace(source), one.path, measured, facets=_facets(one, producer))


def _namespace(source: Source) -> str:
    return f"dvc://{source.repository}"
