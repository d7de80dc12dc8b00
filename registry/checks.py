"""Operations: what jobs find out about a version's artifacts, and which of it has still to be found out."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_states import JobState
from experiments.models import Job
from experiments.stored_text import text
from integrations.mlflow_server import MLflowServer
from registry import access, artifact_check, trail_targets
from registry.artifact_check import CheckOutcome
from registry.models import CheckResult, ModelVersion, RegisteredModel

SUMMARY_LIMIT = 1000
#: What a job of kind `check` finds out; the result `reproduction` comes from elsewhere.
BY_JOB = (CheckResult.Kind.ARTIFACTS.value, CheckResult.Kind.SMOKE_TEST.value)

# Stored in English, and translated where they are shown.
_CAUSES = {
    CheckResult.Kind.ARTIFACTS.value: _("The artifacts were verified."),
    CheckResult.Kind.SMOKE_TEST.value: _("The smoke test ran."),
    CheckResult.Kind.REPRODUCTION.value: _("A reproduction ended."),
}

_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)


def newest(version: ModelVersion) -> dict[str, CheckResult]:
    """Return kind -> newest result about the artifacts that `version` was registered with. One query.

    What was found out about the release candidate that it made final counts: the bytes are the same.
    """
    subjects = [version.pk] + ([version.finalises_id] if version.finalises_id else [])
    same = CheckResult.objects.filter(version__in=subjects, manifest_digest=version.manifest_digest)
    highest = same.order_by().values("kind").annotate(newest=Max("pk")).values("newest")
    return {result.kind: result for result in CheckResult.objects.filter(pk__in=highest)}


def ensure(version: ModelVersion, *, user: User) -> Job | None:
    """Queue what nobody has found out yet; runs in the caller's transaction.

    :param user: on whose behalf; the caller has asked for the permission
    :returns: the job, also one that waits or runs already; None if there is nothing left to find out
    """
    known = newest(version)
    wanted = [kind for kind in BY_JOB if kind not in known]
    return _queued(version, wanted, user) if wanted and version.manifest_digest else None


def under_way(version: ModelVersion) -> Job | None:
    """Return the job that looks at the artifacts of `version` now, or waits to do so. One query."""
    jobs = Job.objects.filter(kind="check", key__startswith=_stem(version), state__in=_UNDER_WAY)
    return jobs.first()


def run(version: ModelVersion, *, user: User) -> Job:
    """Have the artifacts looked at once more, whatever was found before.

    :returns: the job, also one that waits or runs already
    :raises PermissionDenied: `user` may not open promotions of this model
    :raises ValidationError: no manifest was taken at registration, so there is nothing to compare with
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.PROMOTION_OPEN, version.model, target=target)
    if not version.manifest_digest:
        raise ValidationError({"version": gettext("No manifest of the artifacts was taken.")})
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        return _queued(version, list(BY_JOB), user)


def verify_artifacts(version: ModelVersion) -> CheckOutcome:
    """Hash the artifacts of `version` where they lie and compare them with its manifest; stores nothing.

    :raises IntegrationError: temporary: they cannot be reached now
    """
    return artifact_check.compare(version, MLflowServer(settings.MLFLOW_TRACKING_URI))


def store(
    version: ModelVersion,
    kind: str,
    passed: bool,
    summary: str,
    details: Mapping[str, Any],
    *,
    manifest_digest: str,
    job: int | None = None,
    actor: trail.Actor = trail.SYSTEM,
) -> CheckResult:
    """Keep a result, and have the open promotions of the version take it into their evidence.

    Locks the model. Within a transaction that locks a job, lock the job first.

    :param kind: one of `CheckResult.Kind`
    :param summary: one English sentence, as `experiments.sentences` translates it
    :param details: JSON
    :param manifest_digest: digest of the manifest that was looked at; about other bytes it does not count
    :param job: number of the job that found it out
    :raises ValueError: there is no such kind
    """
    # Here, because promotions ask this module for results in their turn.
    from registry import promotion_renewal

    kind = CheckResult.Kind(kind).value
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        result = CheckResult.objects.create(
            version=version,
            kind=kind,
            passed=passed,
            summary=text(summary, SUMMARY_LIMIT),
            details=dict(details),
            manifest_digest=manifest_digest,
            at=timezone.now(),
            job=job,
        )
        data = {"kind": kind, "passed": passed, "summary": result.summary, "job": job}
        trail.record(
            Event.CHECK_RECORDED,
            actor=actor,
            target=trail_targets.of_version(version),
            data={**data, "manifest_digest": manifest_digest, "details": result.details},
        )
        for subject in (version, *version.finalised_as.select_related("model")):
            promotion_renewal.by_system(subject, _CAUSES[kind])
    return result


def _stem(version: ModelVersion) -> str:
    return f"check:{version.pk}:{version.manifest_digest}:"


def _queued(version: ModelVersion, kinds: list[str], user: User) -> Job:
    """Return the job that looks at `version`: the one under way, else a new one."""
    found = under_way(version)
    if found is not None:
        return found
    payload = {"model": version.model.name, "version": version.version, "checks": kinds}
    # Two that ask at the same moment count the same, so that the key makes one job of theirs.
    number = Job.objects.filter(kind="check", key__startswith=_stem(version)).count() + 1
    key = f"{_stem(version)}{number}"
    return job_changes.create(runners.get("check"), payload, submitter=user, name=user.username, key=key)
