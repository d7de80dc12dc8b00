"""Operations: register a run as a version.

The web process only checks and queues. A worker hashes and inspects the artifacts and creates the version
(`registry.register_job`), so registering neither waits for MLflow nor fails with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import access as roles
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from experiments import jobs
from experiments.job_states import JobState
from experiments.jobs import WrongStateError
from experiments.models import Job, Run
from registry import access, run_lineage
from registry.models import RegisteredModel
from registry.promotion import ConflictError
from registry.registration_proposal import (
    Proposal,
    check_free,
    check_reason,
    choose,
    facts,
    propose,
)
from registry.semver import MLModelVersion

__all__ = ["Proposal", "facts", "is_registrable", "prepare", "propose", "register"]

NAME_LIMIT = 200
REASON_LIMIT = 2000
# MLflow addresses models as models:/name/version and models:/name@alias.
_FORBIDDEN_IN_NAMES = "/:@%"


def register(
    run: Run, model_name: str, *, user: User, version: str = "", bump: str = "", reason: str = ""
) -> Job:
    """Queue the registration of `run` as a version of `model_name`; the model is created with its first one.

    :param version: semantic version; empty takes the proposed one
    :param bump: instead of `version`: how far to go from the latest release (major, minor or patch), or
        ``candidate`` for the next release candidate of what is required
    :param reason: required when the version moves less far than the differences ask for
    :returns: the job; asking for the same again returns the same job, and retries one that failed or was
        cancelled, with what is asked now
    :raises PermissionDenied: `user` may not register versions of this model
    :raises ValidationError: by field: an unusable name or version, a version that exists or is being made
        from another run, a missing reason, a bump beside a version or without a release to count from
    :raises ConflictError: another person's job for the same has failed or was cancelled
    """
    require(user, model_name, target=trail.Target("run", run.run_id, str(run)))
    payload = prepare(run, model_name, version=version, step=bump, reason=reason)
    return queued("register", payload, user=user, key=_key(payload))


def prepare(
    run: Run, model_name: str, *, version: str = "", step: str = "", reason: str = ""
) -> dict[str, Any]:
    """Return the payload of a job of kind `register`; parameters (`step`: the bump) and errors as there.

    For a job that asks for the registration of its own run: whoever submitted it was asked for the permission
    then.
    """
    _check_run(run)
    _check_name(model_name)
    proposal = propose(run, model_name)
    chosen = choose(proposal, version=version, step=step)
    check_free(run, model_name, chosen)
    check_reason(proposal, chosen, reason, limit=REASON_LIMIT)
    return _payload(run, model_name, chosen, proposal, reason)


def require(user: User, model_name: str, *, target: trail.Target) -> None:
    """Let pass who may register versions of a model; one that is not there yet is anybody's with the role.

    :raises PermissionDenied: they may not
    """
    model = RegisteredModel.objects.filter(name=model_name[: NAME_LIMIT + 1].replace("\0", "")).first()
    if model is None:
        roles.require(user, Permission.VERSION_REGISTER, target=target)
    else:
        access.require_on(user, Permission.VERSION_REGISTER, model, target=target)


def queued(kind: str, payload: Mapping[str, Any], *, user: User, key: str) -> Job:
    """Queue a job under `key`, or return the one that has it; retry that if it did not succeed.

    :raises ConflictError: it is another person's, and `user` may not retry the jobs of others
    """
    job = jobs.submit(kind, payload, user=user, key=key)
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        return job
    if not job.belongs_to(user) and not roles.can(user, Permission.JOB_CANCEL_ANY):
        text = _(
            "Job #%(id)s of %(name)s has tried to register this as %(version)s and did not succeed. "
            "%(name)s or an administrator can retry it; you can choose another version."
        )
        told = {"id": job.pk, "name": job.submitted_by_name, "version": job.payload["version"]}
        raise ConflictError(text % told)
    try:
        return jobs.retry(job, user=user, payload=payload)
    except WrongStateError:  # somebody else was faster; it waits or runs now
        return Job.objects.get(pk=job.pk)


def is_registrable(run: Run) -> bool:
    """Say whether `run` has ended well, so that a version can be made from it."""
    return run.status == "FINISHED" and run.lifecycle_stage == "active"


def _payload(
    run: Run, model_name: str, chosen: MLModelVersion, proposal: Proposal, reason: str
) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "model": model_name,
        "version": str(chosen),
        "bump": proposal.bump_of(chosen),
        "required_bump": proposal.required,
        "reasons": list(proposal.reasons),
        "reason": reason.strip(),
        "facts": asdict(facts(run)),
        "lineage": run_lineage.of(run),
    }


def _key(payload: Mapping[str, Any]) -> str:
    identity = "\n".join((payload["run_id"], payload["model"], payload["version"]))
    return f"register:{hashlib.sha256(identity.encode()).hexdigest()}"


def _check_run(run: Run) -> None:
    if not is_registrable(run):
        raise ValidationError({"run_id": _("Only a run that finished can become a version.")})


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_LIMIT or name != name.strip() or not name.isprintable():
        raise ValidationError({"model": _("Give a name of at most %d printable characters.") % NAME_LIMIT})
    if any(character in _FORBIDDEN_IN_NAMES for character in name):
        raise ValidationError(
            {"model": _("A model's name cannot contain any of / : @ and the percent sign.")}
        )
