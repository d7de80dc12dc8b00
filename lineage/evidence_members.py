"""The members of an evidence bundle, made one after the other, and the signed manifest at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from audit import (
    bundle_records,
    bundle_verifier,
    checkpoint_files,
    excerpts,
    rows,
    standing_alone,
    statements,
)
from audit.bundle import Parts
from lineage import collect, evidence_records, prov_document, serializers, version_events
from lineage.evidence_subject import Subject
from lineage.graph import Direction, Key, Node
from lineage.node_ids import Kind
from lineage.reach import Reach
from registry import card_rendering

_STYLES = Path(__file__).with_name("evidence_report.css")
_README = """This is the evidence bundle of Stagegate about {name}.

  report.html          everything in one page, to read and to print; report.css is its style sheet
  version.json         metadata, number and its reasons, stages over time
  artifacts.json       path, size and SHA-256 of every registered file
  card.md, card.json   the model card and who approved which revision
  promotions/          requests with reviews, waivers and comments
  evidence/            the facts that reviewers saw, each under the digest that they approved
  reproductions/       signed reports: the version rebuilt from its commit and data
  deployments.json     where the version served, since when and until when
  lineage/             graph.json (what it came from and what came of it), origin.json (its pipeline),
                       prov.json (W3C PROV-JSON), openlineage.jsonl (OpenLineage events)
  audit/               entries of the audit trail with their proofs, checkpoints, public key
  verify.py            says whether all of this is whole, and belongs together
  MANIFEST.json        SHA-256 of every member, signed, and what was left out

    pip install cryptography
    python verify.py THIS.zip public_key.pem
    python verify.py THIS.zip public_key.pem --artifacts FOLDER    # model files that you have

Do not trust verifier and key of this bundle alone: compare both with copies that you got at another time
or by another way. Who could forge the bundle could have put another key and verifier into it.
"""


def parts(subject: Subject) -> Parts:
    """Yield name and texts of every member; the manifest knows those that were taken before it.

    Only where the key of the checkpoints is: the manifest is signed with it.

    :raises verifier.FaultError: the checkpoints are not what was written
    :raises checkpoint_keys.KeyFileError: the private key cannot be used
    """
    made_at = timezone.now().isoformat()
    listed: list[dict[str, Any]] = []
    for name, texts in _members(subject, made_at):
        yield name, _counted(name, texts, listed)
    body = {
        "format": bundle_verifier.FORMAT,
        "subject": subject.name,
        "made_at": made_at,
        "left_out": dict(subject.left_out),
        "audit_to": subject.entry,
        "members": listed,
    }
    made = statements.sign(bundle_verifier.BUNDLE, body)
    signed = {"statement": body, "key": made.key, "signature": made.signature}
    yield bundle_verifier.MANIFEST, [evidence_records.text(signed)]


def _counted(name: str, texts: Iterable[str], listed: list[dict[str, Any]]) -> Iterator[str]:
    digest, size = hashlib.sha256(), 0
    for text in texts:
        content = text.encode()
        digest.update(content)
        size += len(content)
        yield text
    listed.append({"path": name, "size": size, "sha256": digest.hexdigest()})


def _members(subject: Subject, made_at: str) -> Parts:
    yield "README.txt", [_README.format(name=subject.name)]
    yield "report.html", [_report(subject, made_at)]
    yield "report.css", [_STYLES.read_text(encoding="utf-8")]
    yield from ((name, [evidence_records.text(record)]) for name, record in _records(subject))
    if subject.card is not None:
        yield "card.md", [card_rendering.readme(subject.version, subject.card.text)]
    yield "lineage/graph.json", [evidence_records.text(_graph(subject, made_at))]
    events = version_events.of(subject.version, subject.origin)
    yield "lineage/origin.json", [evidence_records.text(evidence_records.origin(subject, events))]
    yield "lineage/prov.json", [prov_document.text(subject)]
    yield "lineage/openlineage.jsonl", version_events.lines(events)
    yield from _trail(subject)
    yield "verify.py", [standing_alone.text()]


def _report(subject: Subject, made_at: str) -> str:
    """Return the printable page, with every time in UTC as the other members have them."""
    with timezone.override(UTC):
        return render_to_string("lineage/evidence_file.html", {"subject": subject, "made_at": made_at})


def _records(subject: Subject) -> Iterator[tuple[str, Any]]:
    version = subject.version
    yield "version.json", evidence_records.version(subject)
    yield "artifacts.json", {"digest": version.manifest_digest, "files": version.manifest}
    if subject.card is not None:
        yield "card.json", evidence_records.card(subject.card)
    for one in subject.promotions:
        yield f"promotions/{one.pk}.json", evidence_records.promotion(one)
    for found in subject.snapshots():
        yield f"evidence/{found.promotion_id}-{found.pk}.json", evidence_records.snapshot(found)
    for report in subject.reproductions:
        yield f"reproductions/{report.pk}.json", evidence_records.reproduction(report)
    yield "deployments.json", [evidence_records.deployment(one) for one in subject.deployments]


def _graph(subject: Subject, made_at: str) -> dict[str, Any]:
    """Return the graph around the version, both ways and as deep as there is, as its reader may know it."""
    root = Node(Key(Kind.VERSION, str(subject.version.pk)), subject.version.created_at)
    limits = Reach.of(subject.reader, None, collect.LIMIT)
    found = collect.around(root, user=subject.reader, depth=collect.DEEPEST, limits=limits)
    told = serializers.graph(found, limits, direction=Direction.BOTH, depth=collect.DEEPEST)
    return told | {"at": made_at}


def _trail(subject: Subject) -> Parts:
    entries = subject.entries().iterator(chunk_size=2000)
    yield bundle_records.TRAIL, excerpts.lines(map(rows.of_entry, entries), checkpoint_files.read())
    yield bundle_verifier.CHECKPOINTS, (f"{line}\n" for line in checkpoint_files.lines())
    yield bundle_verifier.KEYS, [checkpoint_files.public_keys()]
