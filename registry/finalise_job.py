"""Runner of kind `finalise`: verify the candidate's artifacts, make the final version, have MLflow follow.

Idempotent as registration is: the row comes first, and each step looks for what an earlier attempt left.
"""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from experiments.job_context import JobContext
from experiments.runners import FollowUp, Outcome
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry import artifact_check, final_rows, inspection_files, version_in_mlflow, version_rows
from registry.models import ModelVersion
from registry.stages import Stage

_VERIFY, _RECORD, _MIRROR = "verify artifacts", "record version", "create in MLflow"


def run(context: JobContext) -> Outcome:
    """Make the candidate that the payload names final.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if the artifacts are not
        those that were registered, or the final version was made of something else meanwhile
    """
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    candidate = final_rows.candidate(context.payload)
    final = final_rows.existing(context.payload, candidate)
    if final is None:
        inspection = _verified(context, server, candidate)
        context.step(_RECORD, "running")
        final = final_rows.create(context, candidate, inspection)
        context.step(_RECORD, "done")
    else:
        context.log(f"{final} is recorded already; what is left to do is MLflow's version.")
        for step in (_VERIFY, _RECORD):
            context.step(step, "skipped")
    context.step(_MIRROR, "running")
    try:
        final = version_in_mlflow.ensure(context, server, final)
    except IntegrationError as error:
        if error.permanent:
            version_rows.note_problem(context, final, error.message)
        raise
    context.step(_MIRROR, "done")
    context.log(f"{candidate} is final as {final}; MLflow calls it version {final.mlflow_version}.")
    name, number = final.model.name, final.mlflow_version
    result = {"model": name, "version": final.version, "mlflow_version": number, "stage": final.stage}
    if final.stage == Stage.DEVELOPMENT:
        return Outcome(result)
    return Outcome(result, (FollowUp("apply", {"model": name, "promotion": None}),))


def _verified(context: JobContext, server: MLflowServer, candidate: ModelVersion) -> dict[str, Any]:
    """Hash the artifacts again; return what an inspection of the same bytes said, or says now.

    :raises IntegrationError: permanent: they are not those that were registered
    """
    context.check()
    context.step(_VERIFY, "running")
    folder = None if candidate.inspection else context.workspace / "artifacts"
    found = artifact_check.compare(candidate, server, into=folder, between=context.check)
    if not found.passed:
        text = _("%(version)s does not become final. %(problem)s")
        told = {"version": candidate, "problem": found.summary}
        raise IntegrationError(text % told, permanent=True)
    context.log(f"The artifacts of {candidate} have the digest {candidate.manifest_digest}, as registered.")
    inspection = candidate.inspection
    if folder is not None:
        manifest = version_rows.stored_manifest(candidate)
        inspection = inspection_files.look_through(manifest, folder, context)
    context.step(_VERIFY, "done")
    return dict(inspection)
