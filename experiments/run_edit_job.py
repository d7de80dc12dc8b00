"""Runner of the job kind `edit_runs`: write tags of runs to MLflow, and mirror the runs at once.

MLflow is asked what the runs have before anything is written, so a second attempt writes only what the first
one left undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import access
from audit import trail
from audit.events import Event
from audit.models import AuditEntry
from experiments import job_changes
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.mirror_reconciling import RUNS_PER_QUESTION, ask_again
from experiments.models import Experiment, Job, Run
from experiments.run_tags import TagChanges
from experiments.runners import Outcome
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import NOT_FOUND
from integrations.mlflow_records import RunRecord
from integrations.mlflow_server import MLflowServer

_ACTIVE = "active"


def run(context: JobContext) -> Outcome:
    """Change the tags of the runs that the payload names; those that are gone are left out.

    :raises IntegrationError: MLflow cannot be reached, or refuses
    """
    run_ids: list[str] = context.payload["run_ids"]
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    edited: list[str] = []
    context.step("write to MLflow", "running")
    for start in range(0, len(run_ids), RUNS_PER_QUESTION):
        edited += _edit(context, server, run_ids[start : start + RUNS_PER_QUESTION])
        context.message(f"{len(edited)} of {len(run_ids)} runs edited")
    context.step("write to MLflow", "done")
    missing = sorted(set(run_ids) - set(edited))
    for run_id in missing:
        context.log(f"Run {run_id} is not there any more.")
    context.step("record", "running")
    _record(context, sorted(edited))
    context.step("record", "done")
    return Outcome({"edited": len(edited), "missing": missing})


def _edit(context: JobContext, server: MLflowServer, run_ids: Sequence[str]) -> list[str]:
    """Edit some runs and mirror them; return the ids of those that are there."""
    wanted = TagChanges(context.payload["set_tags"], frozenset(context.payload["delete_tags"]))
    experiments = list(
        Experiment.objects.filter(runs__run_id__in=run_ids).values_list("experiment_id", flat=True).distinct()
    )
    done = []
    for record in server.runs_by_id(experiments, run_ids):
        context.check()
        if record.lifecycle_stage == _ACTIVE and _write(server, record, wanted.needed(record.tags)):
            done.append(record.run_id)
    ask_again(server, experiments, run_ids)
    return done


def _write(server: MLflowServer, record: RunRecord, changes: TagChanges) -> bool:
    """Write `changes`; return whether the run is there."""
    try:
        if changes.put:
            server.set_tags(record.run_id, changes.put)
        for key in sorted(changes.drop):
            server.delete_tag(record.run_id, key)
    except MLflowError as error:
        # Somebody else deleted it since it was read.
        if error.code not in NOT_FOUND and server.run(record.run_id).lifecycle_stage == _ACTIVE:
            raise
        return False
    return True


def _record(context: JobContext, edited: list[str]) -> None:
    """Tell the trail what was done by whom, once however often this is tried.

    :raises LostLease: another attempt has the job now; nothing is recorded then
    """
    with transaction.atomic():
        job = Fence(context.job_id, context.attempt).lock()
        if job is None:
            raise LostLease("The job is no longer this worker's.")
        target = _target(job, edited)
        told = AuditEntry.objects.filter(event=Event.RUN_EDITED, target_id=target.id, data__job=job.pk)
        if not edited or told.exists():
            return
        user = job.submitted_by
        changed: dict[str, Any] = {name: context.payload[name] for name in ("set_tags", "delete_tags")}
        trail.record(
            Event.RUN_EDITED,
            actor=access.actor(user) if user else trail.Actor("deleted", job.submitted_by_name),
            target=target,
            data={"job": job.pk, "runs": edited, **changed},
        )


def _target(job: Job, edited: list[str]) -> trail.Target:
    """Return the run that was edited; of several, the job that did it."""
    if len(edited) != 1:
        return job_changes.target(job)
    run = Run.objects.get(run_id=edited[0])
    return trail.Target("run", run.run_id, run.name[:200] or run.run_id)
