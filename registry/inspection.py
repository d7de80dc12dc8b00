"""Operations: have the files of a version looked through that was registered before.

`ModelVersion.inspection` is

    {"scanner": "<name version>", "clean": bool, "error": str, "num_params": int | None,
     "files": [{"path", "kind", "size", "suspicions", "imports", "num_params", "inputs", "outputs"}, ...],
     "signature": {"inputs": [{"name", "dtype", "shape"}, ...], "outputs": [...]} | None}

and empty as long as nobody has looked. Clean is only what was looked through in whole without a suspicion.
"""

from django.db import transaction

from accounts.models import User
from accounts.roles import Permission
from experiments import job_changes, runners
from experiments.job_states import JobState
from experiments.models import Job
from registry import access, trail_targets
from registry.models import ModelVersion, RegisteredModel

_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)


def request(version: ModelVersion, *, user: User) -> Job:
    """Have the files of `version` looked through, whatever was found before.

    :returns: the job, also one that waits or runs already
    :raises PermissionDenied: `user` may not register versions of this model
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.VERSION_REGISTER, version.model, target=target)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        return _queued(version, user)


def ensure(version: ModelVersion, *, user: User) -> Job | None:
    """Queue an inspection if there was none yet; runs in the caller's transaction, which locks the model.

    :param user: on whose behalf; the caller has asked for the permission
    :returns: the job, also one that waits or runs already; None if there is a result
    """
    return None if version.inspection or not version.manifest_digest else _queued(version, user)


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
