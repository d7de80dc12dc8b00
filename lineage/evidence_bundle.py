"""Operations: have the evidence of a version or a promotion put together, and keep what came of it.

A worker makes and signs a bundle, because the web process need not hold the key; until then whoever asked
waits. Who asks again while nothing has changed gets the one that is there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.access import actor
from accounts.models import User
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.job_states import JobState
from experiments.models import Job
from lineage import bundle_room, evidence_records, evidence_subject
from lineage.evidence_subject import Subject
from lineage.models import EvidenceBundle
from registry import trail_targets
from registry.access import visible_q
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Promotion, RegisteredModel

KIND = "bundle"
#: Bundles that may be made for one person at a time.
MAX_WAITING = 5
_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)


@dataclass(frozen=True)
class Standing:
    """What there is of a bundle for one reader.

    :ivar ready: the bundle that tells what is so now
    :ivar job: the one that makes a bundle, or else the newest that tried
    """

    ready: EvidenceBundle | None
    job: Job | None

    @property
    def is_waiting(self) -> bool:
        """Whether a bundle is being made, or waits to be."""
        return self.job is not None and self.job.state in _UNDER_WAY

    @property
    def has_failed(self) -> bool:
        """Whether the newest attempt came to nothing."""
        ended = self.job is not None and self.job.state in (JobState.FAILED, JobState.CANCELLED)
        return ended and self.ready is None


def request(version: ModelVersion, *, user: User, promotion: Promotion | None = None) -> Standing:
    """Have the bundle made, unless it is there or under way already.

    Who may read the version may have it: it tells what the pages tell. The caller has looked the version up
    for `user`, who therefore sees it.

    :param promotion: one of `version`; None: all of them
    :raises ConflictError: too many bundles are being made for `user`
    """
    subject = evidence_subject.of(version, user, promotion)
    target = trail_targets.of_promotion(promotion) if promotion else trail_targets.of_version(version)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
        found = standing(subject)
        if found.is_waiting:
            return found
        told = {"sha256": found.ready.sha256} if found.ready else {}
        trail.record(Event.EVIDENCE_EXPORTED, actor=actor(user), target=target, data=told)
        return found if found.ready else Standing(None, _queued(subject))


def standing(subject: Subject) -> Standing:
    """Return what there is of the bundle about `subject`. Three queries."""
    facts = evidence_records.digest(subject, get_language() or "")
    since = timezone.now() - bundle_room.AGE
    fresh = _bundles(subject).filter(facts=facts, made_at__gt=since)
    jobs = _jobs(subject.reader, subject.version, subject.promotion)
    return Standing(fresh.select_related("version__model").first(), jobs.first())


def under_way(version: ModelVersion, *, user: User, promotion: Promotion | None = None) -> Job | None:
    """Return the job that makes a bundle for `user` now, or waits to do so. One query."""
    return _jobs(user, version, promotion).filter(state__in=_UNDER_WAY).first()


def get(pk: int, *, user: User) -> EvidenceBundle:
    """Return a bundle that was made for `user`.

    :raises Http404: there is none, not any more, or `user` does not see its model
    """
    theirs = EvidenceBundle.objects.filter(visible_q(user, "version__model"), reader=user)
    found = theirs.select_related("version__model").filter(pk=pk).first() if pk < 2**63 else None
    if found is None or found.made_at <= timezone.now() - bundle_room.AGE:
        raise Http404(_("There is no such bundle any more. Ask for it again."))
    return found


def store(context: JobContext, subject: Subject, facts: str, file: Path) -> EvidenceBundle:
    """Keep a bundle that was made, in place of the one before.

    :param facts: as `lineage.evidence_records.digest` returns it
    :raises LostLease: the job is no longer this attempt's
    """
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        _bundles(subject).delete()
        made = EvidenceBundle.objects.create(
            version=subject.version,
            promotion=subject.promotion,
            reader=subject.reader,
            facts=facts,
            job=context.job_id,
            size=file.stat().st_size,
            sha256=sha256,
            made_at=timezone.now(),
        )
        bundle_room.fill(made, file)
    bundle_room.keep()
    return made


def _queued(subject: Subject) -> Job:
    user, version, promotion = subject.reader, subject.version, subject.promotion
    if Job.objects.filter(kind=KIND, submitted_by=user, state__in=_UNDER_WAY).count() >= MAX_WAITING:
        text = _("%(count)s bundles are being made for you. Ask again when one of them is ready.")
        raise ConflictError(text % {"count": MAX_WAITING})
    payload = {
        "model": version.model.name,
        "version": version.version,
        "promotion": promotion.pk if promotion else None,
        "reader": user.pk,
        "language": get_language() or "",
    }
    # Two that ask at the same moment count the same, so that the key makes one job of theirs.
    key = f"{_stem(user, version, promotion)}{_jobs(user, version, promotion).count() + 1}"
    return job_changes.create(runners.get(KIND), payload, submitter=user, name=user.username, key=key)


def _stem(user: User, version: ModelVersion, promotion: Promotion | None) -> str:
    return f"bundle:{user.pk}:{version.pk}:{promotion.pk if promotion else 0}:"


def _jobs(user: User, version: ModelVersion, promotion: Promotion | None) -> QuerySet[Job]:
    stem = _stem(user, version, promotion)
    return Job.objects.filter(kind=KIND, key__startswith=stem).order_by("-pk")


def _bundles(subject: Subject) -> QuerySet[EvidenceBundle]:
    about = {"version": subject.version, "promotion": subject.promotion}
    return EvidenceBundle.objects.filter(reader=subject.reader, **about)
