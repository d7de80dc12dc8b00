"""The members of an evidence bundle, made one after the other, and the signed manifest at the end."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from audit import bundle_verifier, checkpoint_files, excerpts, rows, standing_alone, statements, verifier
from audit.bundle import Parts
from lineage import prov_document, version_events
from lineage.evidence_subject import Subject
from registry import card_rendering
from registry.models import Promotion

logger = logging.getLogger(__name__)

_STYLES = Path(__file__).with_name("evidence_report.css")
_README = """This is the evidence bundle of Stagegate about {name}.

  report.html          everything in one page, to read and to print; report.css is its style sheet
  version.json         metadata, number and its reasons, stages over time
  artifacts.json       path, size and SHA-256 of every registered file
  card.md, card.json   the model card and who approved which revision
  promotions/          requests with reviews, waivers and comments
  evidence/            the facts that reviewers saw, each under the digest that they approved
  reproductions/       signed reports: the version rebuilt from its commit and data
  lineage/             prov.json (W3C PROV-JSON), openlineage.jsonl (OpenLineage events)
  audit/               entries of the audit trail with their proofs, checkpoints, public key
  verify.py            says whether all of this is whole
  MANIFEST.json        SHA-256 of every member, signed

    pip install cryptography
    python verify.py THIS.zip public_key.pem

Do not trust verifier and key of this bundle alone: compare both with copies that you got at another time
or by another way. Who could forge the bundle could have put another key and verifier into it.
"""


def parts(subject: Subject) -> Parts:
    """Yield name and texts of every member; the manifest knows those that were taken before it."""
    made_at = timezone.now().isoformat()
    listed: list[dict[str, Any]] = []
    for name, texts in _members(subject, made_at):
        yield name, _counted(name, texts, listed)
    body = {
        "format": "stagegate evidence bundle 1",
        "subject": subject.name,
        "made_at": made_at,
        "members": listed,
    }
    yield bundle_verifier.MANIFEST, [_json(_signed(body))]


def _signed(body: dict[str, Any]) -> dict[str, Any]:
    if not statements.can_sign():
        return {"statement": body, "key": "", "signature": ""}
    made = statements.sign(bundle_verifier.BUNDLE, body)
    return {"statement": body, "key": made.key, "signature": made.signature}


def _counted(name: str, texts: Iterable[str], listed: list[dict[str, Any]]) -> Iterator[str]:
    digest, size = hashlib.sha256(), 0
    for text in texts:
        content = text.encode()
        digest.update(content)
        size += len(content)
        yield text
    listed.append({"path": name, "size": size, "sha256": digest.hexdigest()})


def _members(subject: Subject, made_at: str) -> Parts:
    version = subject.version
    yield "README.txt", [_README.format(name=subject.name)]
    yield (
        "report.html",
        [render_to_string("lineage/evidence_file.html", {"subject": subject, "made_at": made_at})],
    )
    yield "report.css", [_STYLES.read_text(encoding="utf-8")]
    yield "version.json", [_json(_version(subject))]
    yield "artifacts.json", [_json({"digest": version.manifest_digest, "files": version.manifest})]
    if subject.card is not None:
        yield "card.md", [card_rendering.readme(version, subject.card.text)]
        told = ("number", "text", "digest", "state", "by_name", "at", "decided_by_name", "decided_at")
        yield "card.json", [_json({name: getattr(subject.card, name) for name in told})]
    for one in subject.promotions:
        yield f"promotions/{one.pk}.json", [_json(_promotion(one))]
    for snapshot in subject.snapshots():
        facts = {"digest": snapshot.digest, "facts": snapshot.facts, "changed": snapshot.changed}
        about = {"promotion": snapshot.promotion_id, "at": snapshot.at, "by": snapshot.by_name}
        yield f"evidence/{snapshot.promotion_id}-{snapshot.pk}.json", [_json({**about, **facts})]
    for report in subject.reproductions:
        signed = {"statement": report.report, "key": report.key, "signature": report.signature}
        yield f"reproductions/{report.pk}.json", [_json(signed)]
    yield (
        "lineage/prov.json",
        [prov_document.text(version, subject.origin, subject.promotions, subject.reproductions)],
    )
    yield "lineage/openlineage.jsonl", version_events.lines(version, subject.origin)
    yield from _trail(subject)
    yield "verify.py", [standing_alone.text()]


def _version(subject: Subject) -> dict[str, Any]:
    version = subject.version
    told = (
        *("version", "stage", "stage_since", "run_id", "source", "mlflow_version", "metadata", "fingerprint"),
        *(
            "manifest_digest",
            "model_format",
            "lineage",
            "inspection",
            "bump",
            "required_bump",
            "bump_reasons",
        ),
        *("reason", "created_at", "created_by", "imported"),
    )
    moves = ("from_stage", "to_stage", "at", "by_name", "reason", "how", "promotion_id")
    return {
        "model": version.model.name,
        **{name: getattr(version, name) for name in told},
        "stages": [{name: getattr(one, name) for name in moves} for one in subject.stages],
    }


def _promotion(one: Promotion) -> dict[str, Any]:
    told = (
        *("pk", "to_stage", "from_stage", "kind", "state", "comment", "requested_by_name", "opened_at"),
        *("decided_at", "applied_at", "evidence_digest", "expires_at", "problem", "followed_up_at"),
        *("followed_up_by", "follow_up"),
    )
    reviews = ("reviewer_name", "verdict", "comment", "evidence_digest", "at")
    return {
        "version": str(one.version),
        "incumbent": str(one.incumbent) if one.incumbent else None,
        **{name: getattr(one, name) for name in told},
        "reviews": [{name: getattr(row, name) for name in reviews} for row in one.reviews.all()],
        "waivers": [
            {name: getattr(row, name) for name in ("gate", "reason", "by_name", "at")}
            for row in one.waivers.all()
        ],
        "comments": [
            {name: getattr(row, name) for name in ("anchor", "body", "by_name", "at")}
            for row in one.comments.all()
        ],
    }


def _trail(subject: Subject) -> Parts:
    try:
        read = checkpoint_files.read()
    except verifier.FaultError:
        logger.exception("The checkpoints are not what was written.")
        read = verifier.Checkpoints()
    entries = subject.entries().iterator(chunk_size=2000)
    yield bundle_verifier.ENTRIES, excerpts.lines(map(rows.of_entry, entries), read)
    yield bundle_verifier.CHECKPOINTS, itertools.chain(f"{line}\n" for line in checkpoint_files.lines())
    yield bundle_verifier.KEYS, [checkpoint_files.public_keys()]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
