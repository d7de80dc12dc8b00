"""Runner of the job kind `inspect`: look through the files of a version, and keep what was found."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import Event
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.runners import Outcome
from integrations.artifacts import manifest_digest
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry import inspection_files, promotion_renewal, trail_targets
from registry.models import ModelVersion, RegisteredModel

_FETCH, _LOOK, _RECORD = "fetch files", "inspect files", "record"
# Stored in English, and translated where it is shown.
_CAUSE = gettext_noop("The model files were inspected.")
_SUMMARIES = {
    True: gettext_noop("Nothing in the model files could run code."),
    False: gettext_noop("The model files could run code, or cannot be looked through."),
}


def run(context: JobContext) -> Outcome:
    """Runner of kind `inspect`: inspect the version that the payload names.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if there is no such version,
        or its artifacts are not those that were registered
    """
    asked = context.payload
    rows = ModelVersion.objects.select_related("model")
    version = rows.filter(model__name=asked["model"], version=asked["version"]).first()
    if version is None:
        raise IntegrationError(_("%(model)s has no version %(version)s.") % asked, permanent=True)
    found = inspect_version(version, context)
    return Outcome({"clean": found["clean"], "error": found["error"]})


def inspect_version(version: ModelVersion, context: JobContext) -> dict[str, Any]:
    """Fetch and look through the files of `version`, keep what was found, and return it.

    Open promotions of the version take it into their evidence. For the runner of any kind of job.

    :raises IntegrationError: temporary while the artifacts cannot be reached; permanent if they are not those
        that were registered
    """
    context.step(_FETCH, "running")
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    manifest, folder = inspection_files.fetch(server, version.source, context)
    if manifest_digest(manifest) != version.manifest_digest:
        text = _("The artifacts of %(version)s are not those that were registered.")
        raise IntegrationError(text % {"version": version}, permanent=True)
    context.step(_FETCH, "done")
    context.step(_LOOK, "running")
    found = inspection_files.look_through(manifest, folder, context)
    context.step(_LOOK, "done")
    context.step(_RECORD, "running")
    _store(version, found, context)
    context.step(_RECORD, "done")
    return found


def _store(version: ModelVersion, found: dict[str, Any], context: JobContext) -> None:
    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        digest = version.manifest_digest
        rows = ModelVersion.objects.filter(pk=version.pk, manifest_digest=digest)
        if rows.exclude(inspection=found).update(inspection=found):
            version.inspection = found
            trail.record(
                Event.CHECK_RECORDED,
                actor=trail.SYSTEM,
                target=trail_targets.of_version(version),
                data={
                    "kind": "inspection",
                    "passed": found["clean"],
                    "summary": _SUMMARIES[found["clean"]],
                    "error": found["error"],
                    "scanner": found["scanner"],
                    "manifest_digest": digest,
                    "job": context.job_id,
                },
            )
            promotion_renewal.by_system(version, _CAUSE)
