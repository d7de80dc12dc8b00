"""Our row of a version that a release candidate becomes; written once, with everything that belongs to it."""

from typing import Any

from django.utils.translation import gettext as _

from audit import trail
from audit.events import Event
from experiments.job_context import JobContext
from experiments.models import Job
from integrations.errors import IntegrationError
from registry import card, finalising, promotion_locks, promotion_moves, trail_targets, version_rows
from registry.metadata import ModelMetadata
from registry.models import ModelVersion
from registry.stages import Move, Stage


def candidate(asked: dict[str, Any]) -> ModelVersion:
    """Return the candidate that the payload of a job names.

    :raises IntegrationError: permanent: it is gone
    """
    rows = ModelVersion.objects.select_related("model").filter(model__name=asked["model"])
    found = rows.filter(version=asked["candidate"]).first()
    if found is None:
        told = {"model": asked["model"], "version": asked["candidate"]}
        raise IntegrationError(_("%(model)s has no version %(version)s.") % told, permanent=True)
    return found


def existing(asked: dict[str, Any], source: ModelVersion) -> ModelVersion | None:
    """Return the final version if it was made from the candidate `source` already.

    :raises IntegrationError: permanent: it was made of something else
    """
    rows = ModelVersion.objects.select_related("model").filter(model=source.model_id)
    found = rows.filter(version=asked["version"]).first()
    if found is not None and found.finalises_id != source.pk:
        text = _("%(version)s exists already and was not made from this candidate.")
        raise IntegrationError(text % {"version": found}, permanent=True)
    return found


def create(context: JobContext, source: ModelVersion, inspection: dict[str, Any]) -> ModelVersion:
    """Create the final version of the candidate `source`, or return the one that is there.

    :param inspection: of the artifacts whose digest the payload names
    :raises IntegrationError: permanent: it was made of something else, or the candidate changed meanwhile
    """
    asked = context.payload
    with version_rows.owned(context) as job:
        fresh = promotion_locks.lock_version(source)
        found = existing(asked, fresh)
        if found is not None:
            return found
        if fresh.manifest_digest != asked["manifest_digest"] or fresh.stage == Stage.ARCHIVED:
            text = _("%(version)s has changed since it was asked to become final.")
            raise IntegrationError(text % {"version": fresh}, permanent=True)
        final = _row(job, asked, fresh, inspection)
        _record(job, final, fresh)
        card.start(final, user=job.submitted_by)
        _follow_to_staging(job, final, fresh)
    return final


def _row(job: Job, asked: dict[str, Any], source: ModelVersion, inspection: dict[str, Any]) -> ModelVersion:
    metadata = ModelMetadata.from_dict(source.metadata)
    metadata.model_version = asked["version"]
    metadata.stage = Stage.DEVELOPMENT.metadata_name
    return ModelVersion.objects.create(
        model=source.model,
        key=job.key or f"job:{job.pk}",
        source=source.source,
        manifest=source.manifest,
        manifest_digest=source.manifest_digest,
        model_format=source.model_format,
        metadata=metadata.to_dict(),
        fingerprint=metadata.compute_fingerprint(),
        inspection=inspection,
        finalises=source,
        created_by=job.submitted_by_name,
        **version_rows.asked_columns(asked),
    )


def _record(job: Job, final: ModelVersion, source: ModelVersion) -> None:
    trail.record(
        Event.VERSION_FINALISED,
        actor=version_rows.actor(job),
        target=trail_targets.of_version(final),
        data={
            "candidate": source.version,
            "candidate_stage": source.stage,
            "run_id": final.run_id,
            "job": job.pk,
            "manifest_digest": final.manifest_digest,
            "fingerprint": final.fingerprint,
            "reasons": final.bump_reasons,
            "reason": final.reason,
        },
    )


def _follow_to_staging(job: Job, final: ModelVersion, source: ModelVersion) -> None:
    """Move the final version to Staging if a review brought its candidate there."""
    approved = finalising.approval_in_staging(source)
    if approved is None:
        return
    promotion_moves.move(
        final,
        Stage.STAGING,
        Move.FINALISATION,
        promotion=approved,
        actor_name=job.submitted_by_name,
        actor=version_rows.actor(job),
        now=final.created_at,
        reason=f"Made final from {source.version}, with the same artifacts.",
    )
