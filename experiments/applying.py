"""Operation: have the result of a pipeline put onto a branch. The job alone touches Git (`apply_job`)."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from experiments import job_changes, jobs
from experiments.job_states import JobState
from experiments.jobs import WrongStateError
from experiments.launches import MAX_NOTE
from experiments.models import Job, Repository

KIND = "apply_result"
_OURS = "stagegate/"
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+/-]{0,199}")
_BAD = re.compile(r"\.\.|//|/\.|\.lock(/|$)|[./]$|^HEAD$")


def submit(job: Job, *, user: User, branch: str, note: str = "", key: str | None = None) -> Job:
    """Submit a job of kind `apply_result` for the result of pipeline job `job`.

    :param branch: the branch that gets the commit; a name that the repository has not becomes a new branch at
        the commit that the result was made from
    :param note: first line of the commit's message
    :param key: makes the submission idempotent, see `jobs.submit`
    :raises PermissionDenied: `user` may not start jobs
    :raises WrongStateError: the job has no result to apply
    :raises ValidationError: by field: ``branch``, ``note``
    """
    access.require(user, Permission.JOB_SUBMIT, target=job_changes.target(job))
    if not can_be_applied(job):
        raise WrongStateError(_("Job #%(id)s has no result that a branch could get.") % {"id": job.pk})
    branch, note = branch.strip(), " ".join(note.split())
    if not is_branch(branch):
        text = _("This cannot be the name of a branch; those that begin with %(ours)s are the product's.")
        raise ValidationError({"branch": text % {"ours": _OURS}})
    if len(note) > MAX_NOTE or not note.isprintable():
        raise ValidationError({"note": _("One line of at most %d characters, please.") % MAX_NOTE})
    repository: Repository | None = job.repository
    payload = {
        "repository": repository.name if repository else "",
        "pipeline": job.pk,
        "branch": branch,
        "ref": branch,
        "note": note,
    }
    return jobs.submit(KIND, payload, user=user, repository=repository, parent=job, key=key)


def can_be_applied(job: Job) -> bool:
    """Say whether there is a result that a branch could get."""
    made = isinstance(job.result, dict) and bool(job.result.get("sha"))
    return (
        job.kind == "pipeline" and job.state == JobState.SUCCEEDED and job.repository_id is not None and made
    )


def is_branch(name: str) -> bool:
    """Say whether a branch may have this name and is not one of ours."""
    return bool(_BRANCH.fullmatch(name)) and not _BAD.search(name) and not name.startswith(_OURS)
