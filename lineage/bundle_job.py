"""Runner of kind `bundle`: put the evidence of a version together, sign it, and verify it as anybody would.

What does not verify is not handed out: the job fails and says what is wrong. An attempt that breaks off
leaves nothing; one that kept its bundle is not repeated.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from django.http import Http404
from django.utils import translation
from django.utils.translation import gettext_noop as _

from accounts.models import User
from audit import bundle, bundle_verifier, checkpoint_files, checkpoint_keys, checkpoints, verifier
from experiments.job_context import JobContext
from experiments.runners import Outcome
from integrations.errors import IntegrationError
from lineage import bundle_room, evidence_bundle, evidence_members, evidence_records, evidence_subject
from lineage.evidence_subject import Subject
from lineage.models import EvidenceBundle
from registry import access

_TRIES = 5
_TOLD = 5


def run(context: JobContext) -> Outcome:
    """Make the bundle that the payload asks for.

    :raises IntegrationError: permanent if its reader does not see the version any more, or it does not verify
    """
    known = EvidenceBundle.objects.filter(job=context.job_id).first()
    return _outcome(known or _made(context))


def _outcome(made: EvidenceBundle) -> Outcome:
    return Outcome({"bundle": made.pk, "sha256": made.sha256})


def _made(context: JobContext) -> EvidenceBundle:
    file = context.workspace / "evidence.zip"
    language = context.payload["language"]
    with translation.override(language or None):
        with context.doing("sign"):
            subject = _read(context)
            _sign_trail()
        with context.doing("package"):
            _write(context, subject, file)
        with context.doing("verify"):
            _verify(file)
        with context.doing("record"):
            facts = evidence_records.digest(subject, language)
            return evidence_bundle.store(context, subject, facts, file)


def _read(context: JobContext) -> Subject:
    """Return what the bundle is about, all of it as it was between two decisions."""
    for _try in range(_TRIES):
        subject = _subject(context)
        entry = evidence_subject.newest_entries(subject.version, refusals=subject.refusals)
        if entry[1] == subject.news:
            return subject
    raise IntegrationError(_("The version keeps changing while it is read."), permanent=False)


def _subject(context: JobContext) -> Subject:
    asked = context.payload
    reader = User.objects.filter(pk=asked["reader"], is_active=True).first()
    try:
        if reader is None:
            raise Http404
        version = access.get_version(asked["model"], asked["version"], user=reader)
        promotion = access.get_promotion(asked["promotion"], user=reader) if asked["promotion"] else None
    except Http404:
        text = _("Whoever asked for the bundle does not see this version any more.")
        raise IntegrationError(text, permanent=True) from None
    return evidence_subject.of(version, reader, promotion)


def _sign_trail() -> None:
    """Have a checkpoint cover every entry that goes into the bundle."""
    try:
        checkpoints.make()
    except checkpoints.CheckpointError as error:
        text = _("The audit trail cannot be signed: %(problem)s")
        raise IntegrationError(text % {"problem": error}, permanent=True) from error
    except (checkpoint_keys.KeyFileError, OSError) as error:
        text = _("The audit trail cannot be signed: %(problem)s")
        raise IntegrationError(text % {"problem": error}, permanent=False) from error


def _write(context: JobContext, subject: Subject, file: Path) -> None:
    try:
        with file.open("xb") as target:
            for chunk in bundle.zipped(evidence_members.parts(subject)):
                context.check()
                target.write(chunk)
                if target.tell() > bundle_room.LARGEST:
                    raise IntegrationError(_("The bundle is too large."), permanent=True)
    except verifier.FaultError as fault:
        text = _("The bundle does not verify: %(problem)s")
        raise IntegrationError(text % {"problem": fault.reason}, permanent=True) from fault


def _verify(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        found = bundle_verifier.verify_bundle(archive, checkpoint_files.public_keys())
    if not found.ok:
        text = _("The bundle does not verify: %(problem)s")
        raise IntegrationError(text % {"problem": "; ".join(found.faults[:_TOLD])}, permanent=True)
