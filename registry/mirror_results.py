"""What is recorded once MLflow agrees: promotions applied or not, drift put right, versions lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.models import Job
from experiments.stored_text import text
from integrations.mlflow_records import ModelVersionRecord
from registry import drift_records, notices, promotion_people, trail_targets
from registry.mirror_reading import Reading
from registry.models import ModelVersion, Notice, Promotion, RegisteredModel

PROBLEM_LIMIT = 1000
_NOT_APPLIED = _("Not applied to MLflow: %(problem)s")
_LOST = _("MLflow has no version %(number)s of this model any more.")


@dataclass(frozen=True)
class Converged:
    """What MLflow agrees with.

    :ivar there: what MLflow said last
    :ivar missing: numbers of our versions that it does not have
    :ivar refused: promotion -> why it is not applied, an English sentence
    :ivar changed: whether anything had to be written
    """

    reading: Reading
    there: Sequence[ModelVersionRecord]
    missing: set[int]
    refused: Mapping[int, str]
    changed: bool


def record(context: JobContext, model: RegisteredModel, converged: Converged) -> list[int]:
    """Mark what is applied and what is not, each once; note what MLflow has lost; return what was applied.

    :raises LostLease: another attempt has the job now; nothing is recorded then
    """
    reading, applied = converged.reading, []
    with transaction.atomic():
        job = Fence(context.job_id, context.attempt).lock()
        if job is None:
            raise LostLease("The job is no longer this worker's.")
        # As decisions do, before anything else: two that wait for each other would never end.
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        for number, version in reading.versions.items():
            note(version, lost(number) if number in converged.missing else "")
        problems = dict(converged.refused)
        for promotion in reading.approved:
            number = promotion.version.mlflow_version or 0
            if number not in converged.missing:
                if _mark_applied(promotion, job, superseded=promotion.pk in reading.superseded):
                    applied.append(promotion.pk)
            elif promotion.pk not in reading.superseded:
                problems[promotion.pk] = lost(number)
        for promotion_id, problem in problems.items():
            _mark_problem(promotion_id, problem, job)
        drift_records.put_right(model, job, converged.reading, converged.there, changed=converged.changed)
    for promotion_id in applied:
        context.log(f"Promotion {promotion_id} is applied.")
    return applied


def lost(number: int | None) -> str:
    """Return the sentence (English) that MLflow does not have a version any more."""
    return _LOST % {"number": number}


def note(version: ModelVersion, problem: str) -> None:
    """Keep with the version what is wrong with it in MLflow; empty: nothing."""
    if version.mlflow_problem != problem:
        ModelVersion.objects.filter(pk=version.pk).update(mlflow_problem=text(problem, PROBLEM_LIMIT))


def _mark_applied(promotion: Promotion, job: Job, *, superseded: bool) -> bool:
    """Mark a promotion that MLflow shows.

    :param superseded: its version has moved on, so MLflow shows what came after it
    """
    marked = Promotion.objects.filter(pk=promotion.pk, state=Promotion.State.APPROVED).update(
        state=Promotion.State.APPLIED, applied_at=timezone.now(), problem=""
    )
    if marked:
        if not superseded:
            notices.tell_requester(Notice.Kind.APPLIED, promotion)
        data = {"job": job.pk, "mlflow_version": promotion.version.mlflow_version}
        trail.record(
            Event.PROMOTION_APPLIED,
            actor=trail.SYSTEM,
            target=trail_targets.of_promotion(promotion),
            data={**data, "superseded": True} if superseded else data,
        )
    return bool(marked)


def _mark_problem(promotion_id: int, problem: str, job: Job) -> None:
    """Keep why a promotion is not applied and say so, once for each reason."""
    problem = text(problem, PROBLEM_LIMIT)
    waiting = Promotion.objects.filter(pk=promotion_id, state=Promotion.State.APPROVED)
    if not waiting.exclude(problem=problem).update(problem=problem):
        return
    promotion = Promotion.objects.select_related("version__model").get(pk=promotion_id)
    _tell_of_problem(promotion, problem)
    trail.record(
        Event.PROMOTION_NOT_APPLIED,
        actor=trail.SYSTEM,
        target=trail_targets.of_promotion(promotion),
        data={"problem": problem, "job": job.pk},
    )


def _tell_of_problem(promotion: Promotion, problem: str) -> None:
    """Tell whoever asked for it and those who can do something about it."""
    people = promotion_people.who_may(Permission.DRIFT_RESOLVE, promotion.version.model)
    if promotion.requested_by is not None:
        people.append(promotion.requested_by)
    notices.tell(Notice.Kind.DECIDED, promotion, people, text=_NOT_APPLIED % {"problem": problem})
