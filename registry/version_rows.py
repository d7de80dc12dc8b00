"""Our row of a version that is being registered: taken first, so that its number has one owner.

The row comes before MLflow's version. Of two jobs that want the same number for different runs, the second is
told so before it has written anything to MLflow.

Every write asks first whether the attempt still owns its job, and locks job, model and trail in this order.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from audit import trail
from audit.events import Event
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.models import Job, Run
from experiments.stored_text import text
from integrations.artifacts import ArtifactFile, manifest_digest
from integrations.errors import IntegrationError
from registry import card, trail_targets
from registry.metadata import ModelMetadata
from registry.models import ModelVersion, RegisteredModel
from registry.semver import MLModelVersion

PROBLEM_LIMIT = 1000


@dataclass(frozen=True)
class Contents:
    """What a version is made of.

    :ivar source: URI of the model
    :ivar manifest: its files with their hashes
    :ivar inspection: see `registry.inspection`
    """

    source: str
    manifest: Sequence[ArtifactFile]
    metadata: ModelMetadata
    inspection: Mapping[str, Any]
    model_format: str


def existing(asked: dict[str, Any]) -> ModelVersion | None:
    """Return the row that an earlier attempt, or an earlier job for the same run, made.

    :param asked: payload of the job
    :raises IntegrationError: permanent: the number belongs to another run
    """
    rows = ModelVersion.objects.select_related("model")
    found = rows.filter(model__name=asked["model"], version=asked["version"]).first()
    if found is not None and found.run_id != asked["run_id"]:
        run = Run.objects.filter(run_id=found.run_id).first()
        explanation = _(
            "%(version)s was registered meanwhile, from the run %(run)s. Register this run again to get the "
            "next version."
        )
        raise IntegrationError(explanation % {"version": found, "run": run or found.run_id}, permanent=True)
    return found


def create(context: JobContext, contents: Contents) -> ModelVersion:
    """Create the row with its audit entry, or return the one that is there.

    :raises IntegrationError: permanent: the number belongs to another run
    """
    asked, metadata = context.payload, contents.metadata
    with owned(context) as job:
        model = _model(asked["model"], job)
        version = existing(asked)
        if version is None:
            version = ModelVersion.objects.create(
                model=model,
                key=job.key or f"job:{job.pk}",
                source=contents.source,
                manifest=[asdict(file) for file in contents.manifest],
                manifest_digest=manifest_digest(contents.manifest),
                model_format=contents.model_format,
                inspection=dict(contents.inspection),
                metadata=metadata.to_dict(),
                fingerprint=metadata.compute_fingerprint(),
                created_by=job.submitted_by_name,
                **asked_columns(asked),
            )
            _record_registration(job, version)
            card.start(version, user=job.submitted_by)
    return version


def stored_manifest(version: ModelVersion) -> tuple[ArtifactFile, ...]:
    """Return the files of `version` as they were hashed when it was registered."""
    return tuple(ArtifactFile(one["path"], one["size"], one["sha256"]) for one in version.manifest)


def taken_numbers(version: ModelVersion) -> set[int]:
    """Return MLflow's numbers of the other versions of the same model."""
    others = ModelVersion.objects.filter(model=version.model_id, mlflow_version__isnull=False)
    return {
        number for number in others.exclude(pk=version.pk).values_list("mlflow_version", flat=True) if number
    }


def set_number(context: JobContext, version: ModelVersion, number: int) -> ModelVersion:
    """Note MLflow's number of `version`, once and with its audit entry; return the row as it is now.

    :raises IntegrationError: temporary: another version has taken that number meanwhile
    """
    with owned(context):
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        if number in taken_numbers(version):
            taken = _("MLflow's version %(number)d belongs to another version now.") % {"number": number}
            raise IntegrationError(taken, permanent=False)
        rows = ModelVersion.objects.filter(pk=version.pk)
        fresh = rows.filter(mlflow_version__isnull=True).update(mlflow_version=number)
        rows.exclude(mlflow_problem="").update(mlflow_problem="")
        if fresh:
            data = {"mlflow_version": number, "job": context.job_id}
            trail.record(
                Event.VERSION_MIRRORED,
                actor=trail.SYSTEM,
                target=trail_targets.of_version(version),
                data=data,
            )
        return rows.select_related("model").get()


def note_problem(context: JobContext, version: ModelVersion, problem: str) -> None:
    """Keep with the version why MLflow does not have it."""
    with owned(context):
        ModelVersion.objects.filter(pk=version.pk).update(mlflow_problem=text(problem, PROBLEM_LIMIT))


@contextmanager
def owned(context: JobContext) -> Iterator[Job]:
    """Open a transaction in which the job stays this attempt's, and yield the job.

    :raises LostLease: it is another attempt's
    """
    with transaction.atomic():
        job = Fence(context.job_id, context.attempt).lock()
        if job is None:
            raise LostLease("The job is no longer this worker's.")
        yield job


def _model(name: str, job: Job) -> RegisteredModel:
    """Return the model, locked; created if this is its first version."""
    model, created = RegisteredModel.objects.get_or_create(
        name=name, defaults={"created_at": timezone.now(), "created_by": job.submitted_by_name}
    )
    if created:
        target = trail.Target("model", name, name, name)
        trail.record(Event.MODEL_REGISTERED, actor=actor(job), target=target)
        return model
    return RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)


def asked_columns(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a new row that the payload of its job determines."""
    key = MLModelVersion(asked["version"]).sort_key
    now = timezone.now()
    return {
        "version": asked["version"],
        "major": key.major,
        "minor": key.minor,
        "patch": key.patch,
        "pre_key": key.pre_key.encode("ascii"),
        "run_id": asked["run_id"],
        "bump": asked["bump"],
        "bump_reasons": asked["reasons"],
        "required_bump": asked["required_bump"],
        "reason": asked["reason"],
        "facts": asked["facts"],
        "lineage": asked["lineage"],
        "created_at": now,
        "stage_since": now,
    }


def _record_registration(job: Job, version: ModelVersion) -> None:
    trail.record(
        Event.VERSION_REGISTERED,
        actor=actor(job),
        target=trail_targets.of_version(version),
        data={
            "run_id": version.run_id,
            "job": job.pk,
            "manifest_digest": version.manifest_digest,
            "fingerprint": version.fingerprint,
            "reasons": version.bump_reasons,
            "reason": version.reason,
            "clean": version.inspection["clean"],
            "scanner": version.inspection["scanner"],
        },
    )


def actor(job: Job) -> trail.Actor:
    """Return the submitter of `job` as the trail names them."""
    # The trail needs an id; that of an account that is gone is not known any more.
    if job.submitted_by is None:
        return trail.Actor("deleted", job.submitted_by_name)
    return access.actor(job.submitted_by)
