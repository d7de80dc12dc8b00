"""Runner of kind `register`: hash the artifacts, create MLflow's version, then ours.

Idempotent: MLflow's version carries the job's key as a tag, our row has the key as a unique column, and each
step looks for what an earlier attempt left.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access
from audit import trail
from audit.events import Event
from experiments.job_context import JobContext
from experiments.models import Job, Run
from experiments.runners import Outcome
from integrations.artifacts import ArtifactFile, Artifacts, manifest_digest
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry.metadata import MetadataError, ModelMetadata
from registry.models import ModelVersion, RegisteredModel
from registry.run_metadata import of_plain_run
from registry.semver import MLModelVersion
from registry.stages import Stage

MODEL_PATH = "model"
METADATA_FOLDER = "metadata"
METADATA_FILE = "model_metadata.json"
_METADATA_LIMIT = 1024 * 1024


def run(context: JobContext) -> Outcome:
    """Register the version that the payload asks for."""
    asked = context.payload
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    artifacts = Artifacts(server)
    source = f"runs:/{asked['run_id']}/{MODEL_PATH}"
    context.step("hash files", "running")
    manifest = artifacts.manifest(source)
    metadata = _metadata(artifacts, asked)
    context.step("hash files", "done")
    context.check()
    context.step("create version", "running")
    there = server.find_or_create_model_version(
        asked["model"],
        key=f"stagegate:{asked['run_id']}:{asked['version']}",
        run_id=asked["run_id"],
        source=source,
        tags={"model_version": asked["version"], "stagegate.stage": Stage.DEVELOPMENT},
    )
    context.check()
    version = _keep(context, metadata, manifest, source, there.version)
    context.step("create version", "done")
    context.log(f"{version} is registered; MLflow calls it version {there.version}.")
    return Outcome({"model": asked["model"], "version": version.version, "mlflow_version": there.version})


def _metadata(artifacts: Artifacts, asked: dict[str, Any]) -> ModelMetadata:
    """The metadata logged with the run, under the name and version that it gets here.

    A run logged with the plain `mlflow` client has no such file; what its parameters, metrics and tags say is
    collected instead, and the rest is missing by name.
    """
    try:
        logged = _logged(artifacts, asked["run_id"])
        metadata = ModelMetadata.from_json(logged) if logged else of_plain_run(_mirrored(asked["run_id"]))
        metadata.model_name, metadata.model_version = asked["model"], asked["version"]
        metadata.stage = Stage.DEVELOPMENT.metadata_name
    except MetadataError as error:
        raise IntegrationError(f"The metadata of this run are not valid: {error}", permanent=True) from error
    return metadata


def _logged(artifacts: Artifacts, run_id: str) -> str | None:
    uri = f"runs:/{run_id}"
    if all(entry.name != METADATA_FILE for entry in artifacts.entries(uri, METADATA_FOLDER)):
        return None
    content = b""
    for chunk in artifacts.stream(uri, f"{METADATA_FOLDER}/{METADATA_FILE}"):
        content += chunk
        if len(content) > _METADATA_LIMIT:
            raise IntegrationError(f"{METADATA_FILE} is larger than {_METADATA_LIMIT} bytes.", permanent=True)
    return content.decode("utf-8", "replace")


def _mirrored(run_id: str) -> Run:
    return Run.objects.get(run_id=run_id)


def _keep(
    context: JobContext,
    metadata: ModelMetadata,
    manifest: Sequence[ArtifactFile],
    source: str,
    mlflow_version: int,
) -> ModelVersion:
    """Create our row, unless an earlier attempt of this job did."""
    job = Job.objects.select_related("submitted_by").get(pk=context.job_id)
    name, number = context.payload["model"], context.payload["version"]
    with transaction.atomic():
        model = _model(name, job)
        existing = ModelVersion.objects.filter(model=model, version=number).first()
        if existing is not None:
            if existing.run_id != context.payload["run_id"]:
                raise IntegrationError(f"{existing} exists already, made from another run.", permanent=True)
            return existing
        version = ModelVersion.objects.create(
            model=model,
            key=job.key or f"job:{job.pk}",
            source=source,
            mlflow_version=mlflow_version,
            manifest=[asdict(file) for file in manifest],
            manifest_digest=manifest_digest(manifest),
            model_format=_format(manifest),
            metadata=metadata.to_dict(),
            fingerprint=metadata.compute_fingerprint(),
            created_by=job.submitted_by_name,
            **_asked_columns(context.payload),
        )
        _record(job, version)
    return version


def _asked_columns(asked: dict[str, Any]) -> dict[str, Any]:
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


def _model(name: str, job: Job) -> RegisteredModel:
    model, created = RegisteredModel.objects.get_or_create(
        name=name, defaults={"created_at": timezone.now(), "created_by": job.submitted_by_name}
    )
    if created:
        trail.record(
            Event.MODEL_REGISTERED, actor=_actor(job), target=trail.Target("model", name, name, name)
        )
    return model


def _record(job: Job, version: ModelVersion) -> None:
    trail.record(
        Event.VERSION_REGISTERED,
        actor=_actor(job),
        target=trail.Target("version", str(version), str(version), version.model.name),
        data={
            "run_id": version.run_id,
            "job": job.pk,
            "mlflow_version": version.mlflow_version,
            "manifest_digest": version.manifest_digest,
            "fingerprint": version.fingerprint,
            "reasons": version.bump_reasons,
            "reason": version.reason,
        },
    )


def _actor(job: Job) -> trail.Actor:
    return access.actor(job.submitted_by) if job.submitted_by else trail.Actor("", job.submitted_by_name)


def _format(manifest: Sequence[ArtifactFile]) -> str:
    """The format of the weights by the names of the files in an MLflow model folder."""
    names = {file.path.rsplit("/", 1)[-1] for file in manifest}
    if "model.pt2" in names:
        return "pt2"
    return "pickle" if names & {"model.pth", "model.pkl", "python_model.pkl"} else "other"
