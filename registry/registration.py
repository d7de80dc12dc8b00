"""Operations: propose a version for a run, and register it.

The web process only checks and queues. A worker hashes the artifacts and creates the version
(`registry.register_job`), so registering neither waits for MLflow nor fails with it.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from experiments import jobs, sentences
from experiments.job_states import JobState
from experiments.models import Job, Run
from registry import bump, labels
from registry.bump import Bump, VersionFacts
from registry.models import ModelVersion
from registry.promotion import ConflictError
from registry.semver import MLModelVersion

NAME_LIMIT = 200
REASON_LIMIT = 2000
# MLflow addresses models as models:/name/version and models:/name@alias.
_FORBIDDEN_IN_NAMES = "/:@%"

# Tags of a run that say where it came from.
_LINEAGE_TAGS = (
    "git_commit",
    "git_branch",
    "dataset_name",
    "dataset_version",
    "dataset_hash",
    "dvc_lock_digest",
    "stagegate.job",
    "stagegate.repository",
)


@dataclass(frozen=True)
class Proposal:
    """What the product suggests for a run.

    :ivar previous: the release it was compared with, if there is one
    :ivar required: bump that the differences ask for; empty for the first version
    :ivar reasons: the differences in words
    :ivar unknown: what could not be compared, in words
    """

    version: MLModelVersion
    previous: MLModelVersion | None
    required: str
    reasons: tuple[str, ...]
    unknown: tuple[str, ...]


def propose(run: Run, model_name: str) -> Proposal:
    """Return the version that `run` should get as a version of `model_name`. Two queries."""
    rows = ModelVersion.objects.filter(model__name=model_name).only("version", "facts")
    existing = {MLModelVersion(row.version): row for row in rows}
    previous = bump.baseline(existing)
    before = VersionFacts(**existing[previous].facts) if previous else VersionFacts()
    found = bump.propose(previous, before, facts(run), taken=existing.keys())
    required = found.bump.word if found.bump else ""
    return Proposal(found.version, previous, required, found.reasons, found.unknown)


def facts(run: Run) -> VersionFacts:
    """Return what is compared of `run`, from its parameters and tags in the mirror."""
    tags = run.tags
    data_hash = tags.get("dataset_hash", "")
    return VersionFacts(
        architecture=tags.get("model_architecture", ""),
        input_schema=tags.get("input_schema") or None,
        output_schema=tags.get("output_schema") or None,
        datasets={tags.get("dataset_name") or "data": data_hash} if data_hash else None,
        params=dict(run.params),
        commit=tags.get("git_commit") or tags.get("mlflow.source.git.commit", ""),
    )


def register(
    run: Run, model_name: str, *, user: User, version: str = "", bump: str = "", reason: str = ""
) -> Job:
    """Queue the registration of `run` as a version of `model_name`; the model is created with its first one.

    :param version: semantic version; empty takes the proposed one
    :param bump: instead of `version`: how far to go from the latest release (major, minor or patch)
    :param reason: required when the version moves less far than the differences ask for
    :returns: the job; asking for the same again returns the same job, and retries the user's own that failed
        or was cancelled, with what is asked now
    :raises PermissionDenied: `user` may not register versions
    :raises ValidationError: by field: an unusable name or version, a version that exists, a missing reason, a
        bump beside a version or without a release to count from
    :raises ConflictError: another person's job for the same has failed or was cancelled
    """
    access.require(user, Permission.VERSION_REGISTER, target=trail.Target("run", run.run_id, str(run)))
    payload = prepare(run, model_name, version=version, step=bump, reason=reason)
    job = jobs.submit("register", payload, user=user, key=_key(payload))
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        return job
    if job.submitted_by_id != user.pk:
        text = _("Job #%(id)s of %(name)s has tried this and did not succeed. It has to be retried instead.")
        raise ConflictError(text % {"id": job.pk, "name": job.submitted_by_name})
    return jobs.retry(job, user=user, payload=payload)


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
    chosen = _counted(step, version, proposal) if step else _chosen(version, proposal)
    _check_free(model_name, chosen)
    _check_reason(proposal, chosen, reason)
    return _payload(run, model_name, chosen, proposal, reason)


def is_registrable(run: Run) -> bool:
    """Say whether `run` has ended well, so that a version can be made from it."""
    return run.status == "FINISHED" and run.lifecycle_stage == "active"


def _payload(
    run: Run, model_name: str, chosen: MLModelVersion, proposal: Proposal, reason: str
) -> dict[str, Any]:
    actual = bump.bump_between(proposal.previous, chosen) if proposal.previous else None
    return {
        "run_id": run.run_id,
        "model": model_name,
        "version": str(chosen),
        "bump": actual.word if actual else "",
        "required_bump": proposal.required,
        "reasons": list(proposal.reasons),
        "reason": reason.strip(),
        "facts": asdict(facts(run)),
        "lineage": {name: run.tags[name] for name in _LINEAGE_TAGS if name in run.tags},
    }


def _key(payload: dict[str, Any]) -> str:
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


def _counted(step: str, version: str, proposal: Proposal) -> MLModelVersion:
    if version.strip():
        raise ValidationError({"bump": _("Give either a version or a bump.")})
    if proposal.previous is None:
        raise ValidationError({"bump": _("There is no release yet from which a bump could be counted.")})
    try:
        return Bump.parse(step).apply(proposal.previous)
    except ValueError as error:
        raise ValidationError({"bump": sentences.translated(str(error))}) from error


def _chosen(version: str, proposal: Proposal) -> MLModelVersion:
    if not version.strip():
        return proposal.version
    try:
        return MLModelVersion(version.strip())
    except ValueError as error:
        raise ValidationError({"version": sentences.translated(str(error))}) from error


def _check_free(model_name: str, chosen: MLModelVersion) -> None:
    if ModelVersion.objects.filter(model__name=model_name, version=str(chosen)).exists():
        text = _("%(model)s %(version)s exists already.") % {"model": model_name, "version": chosen}
        raise ValidationError({"version": text})


def _check_reason(proposal: Proposal, chosen: MLModelVersion, reason: str) -> None:
    if len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": _("At most %d characters, please.") % REASON_LIMIT})
    needed = Bump.parse(proposal.required) if proposal.required else None
    if not bump.suffices(needed, proposal.previous, chosen) and not reason.strip():
        text = _("%(version)s moves less far than the changes ask for (%(required)s). Say why.")
        raise ValidationError(
            {"reason": text % {"version": chosen, "required": labels.bump(proposal.required)}}
        )
