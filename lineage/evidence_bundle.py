"""Operation: let somebody take the evidence of a version or a promotion along, and note that they did."""

from django.db import transaction

from accounts import access as accounts
from accounts import audit_export
from accounts.audit_export import Export
from accounts.models import User
from audit import bundle, trail
from audit.events import Event
from lineage import evidence_members, evidence_subject
from registry import trail_targets
from registry.models import ModelVersion, Promotion


def export(version: ModelVersion, *, user: User, promotion: Promotion | None = None) -> Export:
    """Return the bundle as a file that is made while it is sent. It holds what the database has, no artifact.

    Who may read the version may have it: it tells what the pages tell. The caller has looked the version up
    for `user`, who therefore sees it.

    :param promotion: one of `version`; None: all of them
    """
    target = trail_targets.of_promotion(promotion) if promotion else trail_targets.of_version(version)
    with transaction.atomic():
        trail.record(Event.EVIDENCE_EXPORTED, actor=accounts.actor(user), target=target)
    audit_export.sign()
    subject = evidence_subject.of(version, user, promotion)
    part = f"-promotion-{promotion.pk}" if promotion else ""
    name = f"evidence-{version.model.name}-{version.version}{part}.zip"
    return Export(name, "application/zip", bundle.zipped(evidence_members.parts(subject)))
