"""Operations: look through the files of a version that was registered before, and keep what was found.

`ModelVersion.inspection` is

    {"scanner": "<name version>", "clean": bool, "error": str, "num_params": int | None,
     "files": [{"path", "kind", "size", "suspicions", "imports", "num_params", "inputs", "outputs"}, ...],
     "signature": {"inputs": [{"name", "dtype", "shape"}, ...], "outputs": [...]} | None}

and empty as long as nobody has looked. Clean is only what was looked through in whole without a suspicion.
"""

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
from experiments.job_states import JobState
from experiments.models import Job
from integrations.errors import IntegrationError
from registry import access, trail_targets
from registry.models import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from experiments.job_context import JobContext
    from experiments.runners import Outcome

_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)
_FETCH, _LOOK, _RECORD = "fetch files", "inspect files", "record"
# Stored in English, and translated where it is shown.
_CAUSE = gettext_noop("The model files were inspected.")

_SUMMARIES = {
    True: gettext_noop("Nothing in the model files could run code."),
    False: gettext_noop("The model files could run code, or cannot be looked through."),
}


def request(version: ModelVersion, *, user: User) -> Job:
    """Have the files of `version` looked through, whatever was found before.

    :returns: the job, also one that waits or runs already
    :raises PermissionDenied: `user` may not register versions of this model
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.VERSION_REGISTER, version.model, target=target)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update().get(pk=version.model_id)
        return _queued(version, user)


def ensure(version: ModelVersion, *, user: User) -> Job | None:
    """Queue an inspection if there was none yet; runs in the caller's transaction, which locks the model.

    :param user: on whose behalf; the caller has asked for the permission
    :returns: the job, also one that waits or runs already; None if there is a result
    """
    return None if version.inspection or not version.manifest_digest else _queued(version, user)


def run(context: "JobContext") -> "Outcome":
    """Runner of kind `inspect`: inspect the version that the payload names.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if there is no such version,
        or its artifacts are not those that were registered
    """
    from experiments.runners import Outcome

    asked = context.payload
    rows = ModelVersion.objects.select_related("model")
    version = rows.filter(model__name=asked["model"], version=asked["version"]).first()
    if version is None:
        raise IntegrationError(_("%(model)s has no version %(version)s.") % asked, permanent=True)
    found = inspect_version(version, context)
    return Outcome({"clean": found["clean"], "error": found["error"]})


def inspect_version(version: ModelVersion, context: "JobContext") -> dict[str, Any]:
    """Fetch and look through the files of `version`, keep what was found, and return it.

    Open promotions of the version take it into their evidence. For the runner of any kind of job.

    :raises IntegrationError: temporary while the artifacts cannot be reached; permanent if they are not those
        that were registered
    """
    # Here, because pages import this module and the libraries that look into files are for workers.
    from integrations.artifacts import manifest_digest
    from integrations.mlflow_server import MLflowServer
    from registry import inspection_files

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


def _store(version: ModelVersion, found: dict[str, Any], context: "JobContext") -> None:
    from experiments.job_context import LostLease
    from experiments.job_fence import Fence
    from registry import promotion_renewal

    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        RegisteredModel.objects.select_for_update().get(pk=version.model_id)
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


def _queued(version: ModelVersion, user: User) -> Job:
    stem = f"inspect:{version.pk}"
    jobs = Job.objects.filter(kind="inspect", key__startswith=f"{stem}:")
    under_way = jobs.filter(state__in=_UNDER_WAY).first()
    if under_way is not None:
        return under_way
    payload = {"model": version.model.name, "version": version.version}
    # Two that ask at the same moment count the same, so that the key makes one job of theirs.
    key = f"{stem}:{jobs.count() + 1}"
    return job_changes.create(runners.get("inspect"), payload, submitter=user, name=user.username, key=key)
