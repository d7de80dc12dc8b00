"""What a sweep does by itself: submit the next jobs, note what came of them, end. It needs no permission.

Everything here first locks the row of the sweep, so that any process may do it at any time: the worker that
ended a job, the web process that cancelled one, and the chore that looks after what a killed process left.
Each trial has one job, by its key: submitting again finds it.
"""

import math
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_states import ACTIVE, JobState
from experiments.models import Job, Priority, Sweep, Trial

# Ended trials without the metric after which a guided search, which learns from it, gives up.
_PATIENCE = 3
_NAMED = 8
_ENDED = {JobState.FAILED: Trial.Outcome.FAILED, JobState.CANCELLED: Trial.Outcome.CANCELLED}


def advance(pk: int) -> int:
    """Submit as many jobs of sweep `pk` as may go on at a time; end it when all are done; return how many.

    The sets of a guided search come from `sweep_guide`; only those are submitted that it has found.
    """
    with transaction.atomic():
        sweep = lock(pk)
        if sweep is None or sweep.state != Sweep.State.RUNNING:
            return 0
        if not _may_go_on(sweep):
            problem = f"{sweep.submitted_by_name} may not start jobs any more."
            end(sweep, Sweep.State.STOPPED, problem=problem)
            return 0
        rows = sweep.trials.filter(job=None, outcome="").order_by("number")
        waiting = list(rows[: free(sweep)])
        for trial in waiting:
            trial.job = _submit(sweep, trial)
            trial.save(update_fields=["job"])
        if _is_done(sweep):
            end(sweep, Sweep.State.FINISHED)
    return len(waiting)


def note(job: Job) -> None:
    """Note what came of the job of a trial, and go on; other jobs, and those that go on, change nothing."""
    trial = Trial.objects.filter(job=job).first()
    if trial is None or not JobState(job.state).is_terminal:
        return
    with transaction.atomic():
        sweep = lock(trial.sweep_id)
        if sweep is None:
            return
        value = _value(job, sweep.objective)
        measured = Trial.Outcome.MEASURED if value is not None else Trial.Outcome.UNMEASURED
        outcome = _ENDED.get(JobState(job.state), measured)
        if not Trial.objects.filter(pk=trial.pk, job=job).update(outcome=outcome, value=value):
            return  # it was begun again meanwhile, with another job
        _judge(sweep, job)
    advance(trial.sweep_id)


def end(sweep: Sweep, state: Sweep.State, *, actor: trail.Actor = trail.SYSTEM, problem: str = "") -> None:
    """Stop or finish a locked sweep in the caller's transaction."""
    sweep.state, sweep.ended_at, sweep.problem = state, timezone.now(), problem or sweep.problem
    sweep.save(update_fields=["state", "ended_at", "problem"])
    event = Event.SWEEP_FINISHED if state == Sweep.State.FINISHED else Event.SWEEP_STOPPED
    data = {"problem": problem} if problem else {}
    trail.record(event, actor=actor, target=target(sweep), data=data)


def lock(pk: int) -> Sweep | None:
    """Return a sweep, locked until the transaction ends. Not its key: trials refer to it."""
    return Sweep.objects.select_for_update(no_key=True).filter(pk=pk).first()


def free(sweep: Sweep) -> int:
    """Return how many further jobs of a sweep may wait or run now."""
    return max(0, sweep.width - sweep.trials.filter(job__state__in=ACTIVE).count())


def target(sweep: Sweep) -> trail.Target:
    """Return `sweep` as the trail names it."""
    return trail.Target("sweep", str(sweep.pk), sweep.name)


def is_any_running() -> bool:
    """Say whether there is a sweep to look after. One query."""
    return Sweep.objects.filter(state=Sweep.State.RUNNING).exists()


def on_job_finished(sender: Any, job: Job, **_: Any) -> None:
    """Receive the signal `job_finished`."""
    note(job)


def _may_go_on(sweep: Sweep) -> bool:
    return sweep.submitted_by is not None and access.can(sweep.submitted_by, Permission.JOB_SUBMIT)


def _submit(sweep: Sweep, trial: Trial) -> Job:
    payload = {
        "repository": sweep.repository.name,
        "sha": sweep.commit.sha,
        "ref": sweep.ref,
        "ref_kind": sweep.ref_kind,
        "overrides": trial.params,
        "note": f"{sweep.name}, {trial.number}/{sweep.count}",
        "sweep": sweep.pk,
    }
    return job_changes.create(
        runners.get("pipeline"),
        payload,
        submitter=sweep.submitted_by,
        name=sweep.submitted_by_name,
        repository=sweep.repository,
        key=f"sweep:{sweep.pk}:{trial.number}:{trial.round}",
        priority=Priority(sweep.priority),
        actor=trail.SYSTEM,
    )


def _is_done(sweep: Sweep) -> bool:
    return sweep.trials.exclude(outcome="").count() >= sweep.count


def _value(job: Job, objective: str) -> float | None:
    """Return the objective as the job measured it; None if it did not, or it is no finite number."""
    value = _metrics(job).get(objective)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _judge(sweep: Sweep, job: Job) -> None:
    """Say so if no trial has the metric, and stop a search that would learn nothing."""
    ended = sweep.trials.exclude(outcome="")
    if job.state != JobState.SUCCEEDED:
        return
    if ended.filter(outcome=Trial.Outcome.MEASURED).exists():
        running = Sweep.objects.filter(pk=sweep.pk, state=Sweep.State.RUNNING)
        running.exclude(problem="").update(problem="")
        return
    names = ", ".join(sorted(_metrics(job))[:_NAMED]) or "none"
    sweep.problem = f"No run has the metric {sweep.objective} as a number. Metrics there are: {names}."[:1000]
    sweep.save(update_fields=["problem"])
    learns = sweep.method == Sweep.Method.GUIDED and sweep.state == Sweep.State.RUNNING
    if learns and ended.count() >= _PATIENCE:
        end(sweep, Sweep.State.STOPPED, problem=sweep.problem)


def _metrics(job: Job) -> dict[str, Any]:
    metrics = job.result.get("metrics") if isinstance(job.result, dict) else None
    return metrics if isinstance(metrics, dict) else {}
