"""Hashes the files of a version that was adopted from MLflow, and reads the metadata beside its run.

Until then such a version is shown as not hashed, and no gate takes its files for verified. What is hashed is
what lies there now: nothing tells what lay there when somebody put the version into its stage.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_states import ACTIVE
from experiments.models import Job
from integrations.errors import IntegrationError
from registry import access, trail_targets
from registry.models import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from experiments.job_context import JobContext
    from experiments.runners import Outcome
    from integrations.artifacts import ArtifactFile
    from integrations.mlflow_server import MLflowServer

_READ, _HASH, _RECORD = "read run", "hash files", "record"
_CAUSE = gettext_noop("The files of an adopted version were hashed.")


def request(version: ModelVersion, *, user: User) -> Job | None:
    """Have the files of an adopted version hashed.

    :returns: the job, also one that waits or runs already; None if they are hashed
    :raises PermissionDenied: `user` may not register versions of this model
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.VERSION_REGISTER, version.model, target=target)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        return queue(version, user=user)


def queue(version: ModelVersion, *, user: User | None) -> Job | None:
    """Queue the job in the caller's transaction, which has locked the model.

    :param user: who asked; None: the product itself
    """
    if version.manifest_digest or not version.imported:
        return None
    jobs = Job.objects.filter(kind="import", key__startswith=f"import:{version.pk}:")
    under_way = jobs.filter(state__in=ACTIVE).first()
    if under_way is not None:
        return under_way
    return job_changes.create(
        runners.get("import"),
        {"model": version.model.name, "version": version.version},
        submitter=user,
        name=user.username if user else trail.SYSTEM.name,
        key=f"import:{version.pk}:{jobs.count() + 1}",
        actor=None if user else trail.SYSTEM,
    )


def run(context: "JobContext") -> "Outcome":
    """Runner of kind `import`: complete the adopted version that the payload names.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if there is no such version,
        or no file where it should lie
    """
    from experiments.runners import FollowUp, Outcome
    from integrations.artifacts import Artifacts
    from integrations.mlflow_server import MLflowServer

    asked = context.payload
    rows = ModelVersion.objects.select_related("model")
    version = rows.filter(model__name=asked["model"], version=asked["version"]).first()
    if version is None:
        raise IntegrationError(_("%(model)s has no version %(version)s.") % asked, permanent=True)
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    context.step(_READ, "running")
    metadata = _metadata(context, server, version)
    context.step(_READ, "done")
    context.step(_HASH, "running")
    manifest = Artifacts(server).manifest(version.source, between=context.check)
    context.log(f"{len(manifest)} files, {sum(file.size for file in manifest):,} bytes.")
    context.step(_HASH, "done")
    context.step(_RECORD, "running")
    _store(context, version, manifest, metadata)
    context.step(_RECORD, "done")
    result = {
        "model": version.model.name,
        "version": version.version,
        "manifest_digest": version.manifest_digest,
    }
    then = () if version.inspection else (FollowUp("inspect", dict(asked)),)
    return Outcome(result, then)


def _metadata(context: "JobContext", server: "MLflowServer", version: ModelVersion) -> dict[str, Any]:
    """Return the columns that the metadata logged with the run fill; none if there are no valid ones."""
    from registry import run_model
    from registry.metadata import MetadataError, ModelMetadata
    from registry.stages import Stage

    text = run_model.metadata_text(server, version.run_id) if version.run_id else None
    if text is None:
        return {}
    try:
        metadata = ModelMetadata.from_json(text)
        metadata.model_name, metadata.model_version = version.model.name, version.version
        metadata.stage = Stage.DEVELOPMENT.metadata_name
    except MetadataError as error:
        context.log(f"WARNING: {run_model.METADATA_FILE} is not valid and is left out: {error}")
        return {}
    return {"metadata": metadata.to_dict(), "fingerprint": metadata.compute_fingerprint()}


def _store(
    context: "JobContext",
    version: ModelVersion,
    manifest: "tuple[ArtifactFile, ...]",
    metadata: dict[str, Any],
) -> None:
    from experiments.job_context import LostLease
    from experiments.job_fence import Fence
    from integrations.artifacts import manifest_digest
    from registry import promotion_renewal, run_model

    columns = {
        "manifest": [asdict(file) for file in manifest],
        "manifest_digest": manifest_digest(manifest),
        "model_format": run_model.model_format(manifest),
        **metadata,
    }
    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        rows = ModelVersion.objects.filter(pk=version.pk, manifest_digest="")
        if rows.update(**columns):
            version.refresh_from_db()
            data = {"manifest_digest": version.manifest_digest, "files": len(manifest), "job": context.job_id}
            trail.record(
                Event.VERSION_IMPORTED,
                actor=trail.SYSTEM,
                target=trail_targets.of_version(version),
                data=data,
            )
            promotion_renewal.by_system(version, _CAUSE)
    version.refresh_from_db()
