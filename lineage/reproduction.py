"""Operations: have a version reproduced, keep its report, and say how far a model's metrics may be off."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import actor
from accounts.models import User
from accounts.roles import Permission
from audit import bundle_verifier, canonical_json, statements, trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.job_states import JobState
from experiments.models import Job
from experiments.stored_text import text
from lineage import reproduction_words
from lineage.models import ModelTolerance, Reproduction
from lineage.rebuilt import Tolerance, Verdict, tolerance_data
from registry import access, checks, trail_targets
from registry.models import CheckResult, ModelVersion, RegisteredModel

STATEMENT = bundle_verifier.REPRODUCTION
MAX_PATTERNS = 50
_SUMMARY = 1000
_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)


def request(version: ModelVersion, *, user: User) -> Job:
    """Have `version` rebuilt and compared; a reproduction that waits or runs is returned as it is.

    :raises PermissionDenied: `user` may not have versions of this model reproduced
    """
    target = trail_targets.of_version(version)
    access.require_on(user, Permission.VERSION_REPRODUCE, version.model, target=target)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        found = under_way(version)
        if found is not None:
            return found
        number = _jobs(version).count() + 1
        payload = {"model": version.model.name, "version": version.version}
        key = f"{_stem(version)}{number}"
        kind = runners.get("reproduce")
        return job_changes.create(kind, payload, submitter=user, name=user.username, key=key)


def under_way(version: ModelVersion) -> Job | None:
    """Return the job that reproduces `version` now, or waits to do so. One query."""
    return _jobs(version).filter(state__in=_UNDER_WAY).first()


def store(context: JobContext, version: ModelVersion, body: Mapping[str, Any]) -> Reproduction:
    """Sign a report and keep it: on the version, in the trail, and as evidence of its promotions.

    :param body: the report, as JSON that has a canonical form
    :raises LostLease: the job is no longer this attempt's
    """
    signature = statements.sign(STATEMENT, body)
    verdict = Verdict(body["verdict"])
    summary = text(reproduction_words.summary(body), _SUMMARY)
    digest = hashlib.sha256(canonical_json.canonical(body).encode()).hexdigest()
    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        stored = Reproduction.objects.create(
            version=version,
            job=context.job_id,
            verdict=verdict.value,
            passed=verdict.passed,
            summary=summary,
            report=dict(body),
            digest=digest,
            key=signature.key,
            signature=signature.signature,
            at=timezone.now(),
            by_name=context.submitted_by,
        )
        details = {
            "report": stored.pk,
            "report_sha256": digest,
            "verdict": verdict.value,
            "enclosed": not reproduction_words.ran_unenclosed(body),
        }
        checks.store(
            version,
            CheckResult.Kind.REPRODUCTION,
            verdict.passed,
            summary,
            details,
            manifest_digest=version.manifest_digest,
            job=context.job_id,
        )
        trail.record(
            Event.VERSION_REPRODUCED,
            actor=trail.SYSTEM,
            target=trail_targets.of_version(version),
            data={**details, "summary": summary, "job": context.job_id, "asked_by": context.submitted_by},
        )
    return stored


def tolerance_of(model: RegisteredModel) -> Tolerance:
    """Return how far metrics of versions of `model` may be off. One query."""
    row = ModelTolerance.objects.filter(model=model.pk).first()
    if row is None:
        return Tolerance()
    return Tolerance(row.relative, row.absolute, row.identical_files, tuple(row.ignored))


def set_tolerance(model: RegisteredModel, wanted: Tolerance, *, user: User) -> None:
    """Say how far metrics of `model` may be off from now on; reports that are there keep their own.

    :raises PermissionDenied: `user` may not edit this model
    :raises ValidationError: a value cannot be one, by field
    """
    target = trail_targets.of_model(model)
    access.require_on(user, Permission.MODEL_EDIT, model, target=target)
    _check(wanted)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        before = tolerance_data(tolerance_of(model))
        ModelTolerance.objects.update_or_create(
            model=model,
            defaults={**tolerance_data(wanted), "changed_at": timezone.now(), "changed_by": user.username},
        )
        data = {"tolerance": tolerance_data(wanted), "before": before}
        trail.record(Event.MODEL_CHANGED, actor=actor(user), target=target, data=data)


def _check(wanted: Tolerance) -> None:
    errors = {}
    if not (math.isfinite(wanted.relative) and 0 <= wanted.relative <= 1):
        errors["relative"] = _("Between 0 and 1.")
    if not (math.isfinite(wanted.absolute) and 0 <= wanted.absolute <= 1e12):
        errors["absolute"] = _("Not below 0, and finite.")
    if len(wanted.ignored) > MAX_PATTERNS or any(len(one) > 200 for one in wanted.ignored):
        errors["ignored"] = _("At most 50 patterns of at most 200 characters.")
    elif any(not one.isprintable() or not one.strip("* ") for one in wanted.ignored):
        errors["ignored"] = _("A pattern has to name something.")
    if errors:
        raise ValidationError(errors)


def _stem(version: ModelVersion) -> str:
    return f"reproduce:{version.pk}:"


def _jobs(version: ModelVersion) -> Any:
    return Job.objects.filter(kind="reproduce", key__startswith=_stem(version))
