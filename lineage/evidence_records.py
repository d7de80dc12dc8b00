"""What is known about a version as JSON, row by row: the members of evidence bundles."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from lineage import version_events
from lineage.evidence_subject import Subject
from lineage.models import Reproduction
from lineage.version_events import Told
from registry.models import CardRevision, Deployment, Evidence, Promotion

_VERSION = (
    *("version", "stage", "stage_since", "run_id", "source", "mlflow_version", "metadata", "fingerprint"),
    *("manifest_digest", "model_format", "lineage", "inspection", "bump", "required_bump", "bump_reasons"),
    *("reason", "created_at", "created_by", "imported"),
)
_MOVE = ("pk", "from_stage", "to_stage", "at", "by_name", "reason", "how", "promotion_id")
_PROMOTION = (
    *("pk", "to_stage", "from_stage", "kind", "state", "comment", "requested_by_name", "opened_at"),
    *("decided_at", "applied_at", "evidence_digest", "expires_at", "problem", "followed_up_at"),
    *("followed_up_by", "follow_up"),
)
_REVIEW = ("pk", "reviewer_name", "verdict", "comment", "evidence_digest", "at")
_CARD = ("number", "text", "digest", "state", "by_name", "at", "decided_by_name", "decided_at")
_DEPLOYMENT = (
    *("pk", "environment", "url", "note", "at", "retired_at", "recorded_at", "recorded_by_name"),
    "retired_by_name",
)


def digest(subject: Subject, language: str) -> str:
    """Return what tells whether two bundles about `subject` would say the same: 64 hex digits. One query.

    What lies around the version in the graph is not looked at.
    """
    said = {
        "language": language,
        "refusals": subject.refusals,
        "news": subject.news,
        "left_out": dict(subject.left_out),
        "version": version(subject),
        "files": subject.version.manifest,
        "origin": repr(subject.origin),
        "card": card(subject.card) if subject.card else None,
        "promotions": [promotion(one) for one in subject.promotions],
        "evidence": [[one.pk, one.digest] for one in subject.snapshots()],
        "reproductions": [[one.pk, one.digest] for one in subject.reproductions],
        "deployments": [deployment(one) for one in subject.deployments],
    }
    return hashlib.sha256(text(said).encode()).hexdigest()


def version(subject: Subject) -> dict[str, Any]:
    """Return the version with its stages over time."""
    row = subject.version
    return {
        "model": row.model.name,
        **_fields(row, _VERSION),
        "finalises": row.finalises.version if row.finalises else None,
        "stages": [_fields(one, _MOVE) for one in subject.stages],
    }


def card(row: CardRevision) -> dict[str, Any]:
    """Return a revision of the card."""
    return _fields(row, _CARD)


def promotion(row: Promotion) -> dict[str, Any]:
    """Return a request with what was said and decided about it."""
    return {
        "version": str(row.version),
        "incumbent": str(row.incumbent) if row.incumbent else None,
        **_fields(row, _PROMOTION),
        "reviews": [_fields(one, _REVIEW) for one in row.reviews.all()],
        "waivers": [_fields(one, ("pk", "gate", "reason", "by_name", "at")) for one in row.waivers.all()],
        "comments": [_fields(one, ("anchor", "body", "by_name", "at")) for one in row.comments.all()],
    }


def snapshot(row: Evidence) -> dict[str, Any]:
    """Return the facts that a promotion was asked on, under their digest."""
    about = {"promotion": row.promotion_id, "at": row.at, "by": row.by_name}
    return {**about, "digest": row.digest, "facts": row.facts, "changed": row.changed}


def reproduction(row: Reproduction) -> dict[str, Any]:
    """Return a report as it was signed, and when it was kept."""
    signed = {"statement": row.report, "key": row.key, "signature": row.signature}
    return {**_fields(row, ("pk", "at", "by_name", "passed", "summary")), **signed}


def deployment(row: Deployment) -> dict[str, Any]:
    """Return where the version served, and what took its place there."""
    after = row.replaced_by
    followed = {"deployment": after.pk, "version": str(after.version)} if after else None
    return {**_fields(row, _DEPLOYMENT), "replaced_by": followed}


def origin(subject: Subject, events: Told) -> dict[str, Any]:
    """Return what is known of the pipeline and its runs."""
    found = asdict(subject.origin)
    return {**found, "events": version_events.record(events)}


def text(value: Any) -> str:
    """Return `value` as the text of a member."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _fields(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
