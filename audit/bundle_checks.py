"""Rules: whether the members of an evidence bundle belong together. No database; part of the verifier.

Each member can be genuine and still be another version's, or from before a decision. They hold together by:

    artifacts.json <- digest - version.json <- version - evidence <- digest - reviews - entries of the trail
                  <- digest, file - reproduction report <- digest - entry of the trail
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from audit.bundle_decisions import (
    check_card_state,
    check_deployments,
    check_excerpt,
    check_promotion,
    check_registration,
    check_snapshot,
    check_stages,
)
from audit.bundle_origin import check_events, check_origin
from audit.bundle_prov import check_prov
from audit.bundle_records import (
    ARTIFACTS,
    CARD,
    DEPLOYMENTS,
    EVIDENCE,
    GRAPH,
    OPENLINEAGE,
    ORIGIN,
    PROMOTIONS,
    PROV,
    RECORDED,
    REPORT,
    REPRODUCTIONS,
    TRAIL,
    VERSION,
    Bundle,
    differences,
    digest_of,
    late,
)
from audit.bundle_report import check_report

_NEEDED = (VERSION, ARTIFACTS, DEPLOYMENTS, GRAPH, ORIGIN, PROV, OPENLINEAGE, REPORT)
_DECIDED = ("approved", "applied")
_GREEN = ("identical", "within_tolerance")  # of `lineage.rebuilt.Verdict`
_ODD = (AttributeError, LookupError, TypeError, ValueError, RecursionError)


def faults(bundle: Bundle) -> list[str]:
    """Return what does not fit together, each with the member that it is about."""
    absent = [f"{name}: nothing can be compared without it" for name in _NEEDED if name not in bundle.records]
    if absent:
        return absent
    found = []
    for name in sorted(bundle.records):
        for check in next((checks for start, checks in _CHECKS.items() if name.startswith(start)), ()):
            found += _named(name, f"{name}: ", check(bundle, name))
    return found + _named(TRAIL, "", check_excerpt(bundle))


def _named(name: str, start: str, said: Iterator[str]) -> list[str]:
    """Return what a check said, and as a fault that it could not be made."""
    found: list[str] = []
    try:
        found.extend(f"{start}{one}" for one in said)
    except _ODD as error:
        found.append(f"{name}: it is not as the product writes it ({type(error).__name__}: {error})")
    return found


def manifest_digest(files: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a manifest: over `[path, size, sha256]` of every file, sorted by path."""
    rows = sorted([one["path"], one["size"], one["sha256"]] for one in files)
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def check_files(files: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[str]:
    """Yield what differs between the files in `folder` and those that were registered."""
    listed = {str(one["path"]): one for one in files}
    if not listed:
        yield f"{ARTIFACTS}: no file was registered with its hash, so there is nothing to compare with"
    there = {path.relative_to(folder).as_posix(): path for path in _walk(folder)}
    for name in sorted(set(there) - set(listed)):
        yield f"{name}: it was not registered"
    for name, one in sorted(listed.items()):
        path = there.get(name)
        if path is None:
            yield f"{name}: it was registered and is not in {folder}"
        elif path.is_symlink():
            yield f"{name}: it is a link"
        elif _sha256(path) != one["sha256"]:
            yield f"{name}: it is not the file that was registered"


def _version(bundle: Bundle, _name: str) -> Iterator[str]:
    promotions = [one["pk"] for one in bundle.promotions]
    of_one = f"promotion {promotions[0]} of {bundle.name}" if len(promotions) == 1 else bundle.name
    if bundle.subject not in (bundle.name, of_one):
        yield f"it is about {bundle.name}, the bundle about {bundle.subject}"


def _artifacts(bundle: Bundle, name: str) -> Iterator[str]:
    told = bundle.records[name]
    if told["digest"] != bundle.version["manifest_digest"]:
        yield f"it is not the manifest that {VERSION} names"
    if told["digest"] != (manifest_digest(told["files"]) if told["files"] else ""):
        yield "its digest is not that of its files"


def _card(bundle: Bundle, name: str) -> Iterator[str]:
    told = bundle.records[name]
    if hashlib.sha256(told["text"].encode()).hexdigest() != told["digest"]:
        yield "its digest is not that of its text"
    if bundle.is_of_version:
        return
    for promotion in bundle.promotions:
        facts = bundle.evidence_of(promotion["pk"]).get(promotion["evidence_digest"], {})
        if facts and (facts["card"] or {}).get("digest") != told["digest"]:
            yield "it is not the revision that the evidence of the promotion names"


def _graph(bundle: Bundle, name: str) -> Iterator[str]:
    if unquote(bundle.records[name]["root"]) != f"version:{bundle.name}":
        yield f"it is not the graph of {bundle.name}"


def _evidence(bundle: Bundle, name: str) -> Iterator[str]:
    told = bundle.records[name]
    facts, version = told["facts"], bundle.version
    if digest_of(facts) != told["digest"]:
        yield "the evidence is not what the digest stands for that reviewers saw"
    if (facts["version"], facts["run_id"]) != (version["version"], version["run_id"]):
        yield f"it is evidence of another version than {bundle.name}"
    if facts["manifest_digest"] not in ("", version["manifest_digest"]):
        yield f"it names other artifacts than {ARTIFACTS}"
    if f"{PROMOTIONS}{told['promotion']}.json" not in bundle.records:
        yield f"the promotion {told['promotion']} that it belongs to is not in the bundle"


def _promotion(bundle: Bundle, name: str) -> Iterator[str]:
    told = bundle.records[name]
    known = bundle.evidence_of(told["pk"])
    if told["version"] != bundle.name:
        yield f"it is a promotion of {told['version']}"
    if told["evidence_digest"] not in known:
        yield "the evidence that it was decided on is not in the bundle"
    for review in told["reviews"]:
        if review["evidence_digest"] not in known:
            yield f"the evidence that {review['reviewer_name']} reviewed is not in the bundle"
    rows = [(one["reviewer_name"], one["verdict"], one["evidence_digest"]) for one in told["reviews"]]
    entries = [one for one in bundle.about_promotion(told["pk"]) if one["event"] == "promotion.reviewed"]
    recorded = [
        (one["actor_name"], one["data"]["verdict"], one["data"]["evidence_digest"]) for one in entries
    ]
    if Counter(rows) != Counter(recorded):
        yield "its reviews are not those that the audit trail recorded"
    yield from _approvals(told, known)


def _approvals(told: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a fault if a request was approved by fewer people than its evidence says that it takes."""
    if told["kind"] != "request" or told["state"] not in _DECIDED or told["evidence_digest"] not in known:
        return
    needed = known[told["evidence_digest"]]["policy"]["approvals"]
    given = {
        one["reviewer_name"]
        for one in told["reviews"]
        if one["verdict"] == "approve" and one["evidence_digest"] == told["evidence_digest"]
    }
    if len(given - {told["requested_by_name"]}) < needed:
        yield f"it was approved by fewer than {needed} people who saw the evidence that it was decided on"


def _reproduction(bundle: Bundle, name: str) -> Iterator[str]:
    report = bundle.records[name]
    told, version = report["statement"], bundle.version
    if (told["model"], told["version"]) != (version["model"], version["version"]):
        yield f"it is a report about {told['model']}@{told['version']}"
    if told["manifest_digest"] not in ("", version["manifest_digest"]):
        yield f"it is about other artifacts than {ARTIFACTS}"
    listed = {one["path"]: one["sha256"] for one in bundle.records[ARTIFACTS]["files"]}
    for file in told.get("registered", ()):  # older reports trace no files
        if listed.get(file["path"]) != file["sha256"]:
            yield f"the file {file['path']} that it traced is not that of {ARTIFACTS}"
    entries = bundle.about_version("version.reproduced")
    entry = next((one for one in entries if one["data"]["report_sha256"] == digest_of(told)), None)
    if entry is None:
        yield "the audit trail has not recorded this report"
        return
    kept = {
        "pk": entry["data"]["report"],
        "passed": told["verdict"] in _GREEN,
        "by_name": entry["data"]["asked_by"],
        "summary": entry["data"]["summary"],
    }
    yield from differences(report, kept, RECORDED)
    yield from late("at", report["at"], entry)


_CHECKS: dict[str, tuple[Callable[[Bundle, str], Iterator[str]], ...]] = {
    VERSION: (_version, check_registration, check_stages),
    ARTIFACTS: (_artifacts,),
    CARD: (_card, check_card_state),
    DEPLOYMENTS: (check_deployments,),
    GRAPH: (_graph,),
    ORIGIN: (check_origin,),
    PROV: (check_prov,),
    OPENLINEAGE: (check_events,),
    EVIDENCE: (_evidence, check_snapshot),
    PROMOTIONS: (_promotion, check_promotion),
    REPORT: (check_report,),
    REPRODUCTIONS: (_reproduction,),
}


def _walk(folder: Path) -> Iterator[Path]:
    """Yield every file below `folder`, and every link, which is not followed."""
    for root, folders, names in os.walk(folder, onerror=_raised):
        yield from (Path(root, name) for name in names)
        yield from (path for name in folders if (path := Path(root, name)).is_symlink())


def _raised(error: OSError) -> None:
    raise error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
