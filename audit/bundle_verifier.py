"""Verifies an evidence bundle of Stagegate: the archive, what is signed in it, and that it belongs together.

    python verify.py bundle.zip [public_key.pem] [--artifacts FOLDER] [--checkpoints FILE] [--json]

The file that runs alone is put together by `audit.standing_alone`. It needs Python 3.11 and the package
`cryptography`, and believes nothing but the public key. Without one it takes the key of the bundle, and says
so: that shows that the bundle is whole, not who made it.

Checked are: the signature of the manifest; name, size and SHA-256 of every member, and that there is no
other; the signature of every reproduction report; every entry of the audit trail, by its proof that a signed
checkpoint covers it; and that version, artifacts, card, evidence, reviews, reports and trail name each other
by digest (`audit.bundle_checks`). With `--artifacts` every file in a folder is hashed, and compared with the
files that were registered. With `--checkpoints` the checkpoints are compared with a copy that was taken at
another time: who holds the key can write another trail, but not the one that was signed then.

Exit status: 0 nothing is wrong, 1 something is (every fault is named), 2 the files cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audit.bundle_archive import check_archive
from audit.bundle_checks import check_files, faults
from audit.bundle_records import ARTIFACTS, TRAIL, Bundle, is_record
from audit.canonical_json import canonical
from audit.verifier import (
    FaultError,
    Keys,
    Report,
    check_signature,
    describe,
    read_checkpoints,
    read_json,
    read_keys,
    read_lines,
    verify,
)

BUNDLE = "evidence bundle"
REPRODUCTION = "reproduction report"
FORMAT = "stagegate evidence bundle 3"
MANIFEST = "MANIFEST.json"
KEYS = "audit/public_key.pem"
CHECKPOINTS = "audit/checkpoints.jsonl"
_LARGEST = 64_000_000  # bytes of one member; what is larger was not made by the product
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError),
    *(struct.error, zlib.error, zipfile.BadZipFile),
)


@dataclass
class Findings:
    """What came of verifying a bundle; `faults` name the member.

    :ivar artifacts: how many files of a folder were compared; None: nobody asked for it
    :ivar checkpoints: how many checkpoints of a copy were compared; None: nobody asked for it
    :ivar left_out: of what there is more than the bundle holds, and how much
    """

    ok: bool = True
    subject: str = ""
    made_at: str = ""
    members: int = 0
    reproductions: int = 0
    evidence: int = 0
    artifacts: int | None = None
    checkpoints: int | None = None
    trusts_own_key: bool = False
    left_out: dict[str, int] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Note that something is wrong."""
        self.ok = False
        self.faults.append(text)


def statement_text(kind: str, body: Mapping[str, Any]) -> bytes:
    """Return what the signature of a statement of `kind` is made over."""
    return f"stagegate {kind}, format 1\n".encode() + canonical(body).encode()


def is_signed(kind: str, body: Mapping[str, Any], key: str, signature: str, keys: Keys) -> bool:
    """Say whether one of `keys` signed `body` as a statement of `kind`."""
    try:
        check_signature(keys[key], signature, statement_text(kind, body))
    except (KeyError, ValueError, TypeError):
        return False
    return True


def verify_bundle(
    archive: zipfile.ZipFile, trusted: str = "", artifacts: Path | None = None, copy: str | None = None
) -> Findings:
    """Verify an opened bundle.

    :param trusted: PEM text of the keys to believe; empty: its own
    :param artifacts: folder with the files of the model, to be compared with those that were registered
    :param copy: text of `checkpoints.jsonl` as it was at another time
    """
    found = Findings(trusts_own_key=not trusted)
    try:
        for fault in check_archive(archive):
            found.fault(fault)
        if not found.ok:
            return found  # what it holds depends on who unpacks it
        keys = read_keys(trusted or _text(archive, KEYS))
        signed = read_json(_text(archive, MANIFEST))
        statement = signed["statement"]
        if statement["format"] != FORMAT:
            raise ValueError(f"this verifier knows {FORMAT!r} only")
        found.subject, found.made_at = str(statement["subject"]), str(statement["made_at"])
        found.left_out = dict(statement["left_out"])
        _check_members(archive, statement["members"], found)
    except _UNREADABLE as error:
        found.fault(f"{MANIFEST}: it cannot be read: {error}")
        return found
    if not is_signed(BUNDLE, statement, signed.get("key", ""), signed.get("signature", ""), keys):
        found.fault(f"{MANIFEST}: nobody trusted signed it")
    records = _records(archive, found)
    for name in (name for name in records if name.startswith("reproductions/")):
        _check_reproduction(name, records[name], keys, found)
    found.evidence = sum(name.startswith("evidence/") for name in records)
    entries = _check_trail(archive, keys, found)
    for fault in faults(Bundle(found.subject, records, entries, found.left_out)):
        found.fault(fault)
    if artifacts is not None:
        _check_artifacts(records.get(ARTIFACTS), artifacts, found)
    if copy is not None:
        _check_copy(archive, copy, found)
    return found


def _check_members(archive: zipfile.ZipFile, listed: Sequence[Mapping[str, Any]], found: Findings) -> None:
    names = set(archive.namelist())
    expected = {str(one["path"]): one for one in listed}
    for name in sorted(names - set(expected) - {MANIFEST}):
        found.fault(f"{name}: it was added, the manifest does not know it")
    for name, one in expected.items():
        if name not in names:
            found.fault(f"{name}: it is missing")
            continue
        found.members += 1
        try:
            sha256, size = _digest(archive, name)
        except _UNREADABLE as error:
            found.fault(f"{name}: it cannot be read: {error}")
            continue
        if sha256 != one["sha256"] or size != one["size"]:
            found.fault(f"{name}: it was altered")


def _records(archive: zipfile.ZipFile, found: Findings) -> dict[str, Any]:
    records: dict[str, Any] = {}
    for name in filter(is_record, archive.namelist()):
        try:
            if name.endswith(".jsonl"):
                records[name] = list(map(read_json, _lines(archive, name)))
            else:
                text = _text(archive, name)
                records[name] = read_json(text) if name.endswith(".json") else text
        except _UNREADABLE as error:
            found.fault(f"{name}: it cannot be read: {error}")
    return records


def _check_reproduction(name: str, told: Any, keys: Keys, found: Findings) -> None:
    found.reproductions += 1
    try:
        good = is_signed(REPRODUCTION, told["statement"], told["key"], told["signature"], keys)
    except _UNREADABLE:
        good = False
    if not good:
        found.fault(f"{name}: nobody trusted signed this reproduction report")


def _check_artifacts(told: Any, folder: Path, found: Findings) -> None:
    try:
        files = told["files"]
        found.artifacts = len(files)
        for fault in check_files(files, folder):
            found.fault(fault)
    except _UNREADABLE as error:
        found.fault(f"{folder}: the files cannot be compared: {error}")


def _check_copy(archive: zipfile.ZipFile, copy: str, found: Findings) -> None:
    """Compare as many checkpoints as both have: they only ever grow."""
    try:
        pairs = list(zip(copy.removesuffix("\n").split("\n"), _lines(archive, CHECKPOINTS), strict=False))
        found.checkpoints = len(pairs)
        other = next((n for n, (one, two) in enumerate(pairs, 1) if read_json(one) != read_json(two)), None)
    except _UNREADABLE as error:
        found.fault(f"{CHECKPOINTS}: it cannot be compared with the copy: {error}")
        return
    if other:
        found.fault(f"{CHECKPOINTS}: line {other} is another one than in the copy: this is another trail")


def _check_trail(archive: zipfile.ZipFile, keys: Keys, found: Findings) -> list[Mapping[str, Any]]:
    """Verify the excerpt of the trail; return its entries."""
    entries: list[Mapping[str, Any] | Exception] = []
    try:
        entries = list(read_lines(_lines(archive, TRAIL)))
        checkpoints = read_checkpoints(_lines(archive, CHECKPOINTS), keys)
        report = verify(entries, checkpoints)
    except FaultError as fault:
        report = Report(False, fault=vars(fault))
    except _UNREADABLE as error:
        found.fault(f"{TRAIL}: it cannot be read: {error}")
        return []
    found.audit = asdict(report)
    if not report.ok:
        found.fault(f"{TRAIL}: {describe(report)}")
    return [one for one in entries if not isinstance(one, Exception)]


def _digest(archive: zipfile.ZipFile, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
            if size > _LARGEST:
                raise ValueError("it is too large")
    return digest.hexdigest(), size


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _LARGEST:
        raise ValueError("it is too large")
    return archive.read(name).decode("utf-8", "replace")


def _lines(archive: zipfile.ZipFile, name: str) -> list[str]:
    """Return the lines of a member; what JSON need not escape, such as U+2028, ends none."""
    return _text(archive, name).removesuffix("\n").split("\n")


def tell(found: Findings) -> Iterator[str]:
    """Yield the outcome in sentences."""
    yield from (f"FAULT {fault}" for fault in found.faults)
    if not found.ok:
        return
    yield f"OK: {found.subject}, made at {found.made_at}."
    yield f"{found.members} members are what the signed manifest says."
    yield f"{found.reproductions} signed reproduction reports, {found.evidence} evidence snapshots."
    yield "Version, artifacts, card, evidence, reviews, reports and trail name each other."
    if found.artifacts is not None:
        yield f"{found.artifacts} files in the folder are those that were registered."
    if found.checkpoints is not None:
        yield f"{found.checkpoints} checkpoints are those of the copy; what came after them is not in it."
    yield from (f"Left out: {count} older {name}." for name, count in found.left_out.items())
    entries = found.audit.get("entries", 0)
    yield f"{entries} entries of the audit trail, each signed by a checkpoint; others may be left out."
    if found.trusts_own_key:
        yield "The key of the bundle itself was believed: give a key that you got in another way."


def check_file(arguments: Sequence[str] | None = None) -> int:
    """Run on the command line and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify an evidence bundle of Stagegate.")
    parser.add_argument("bundle", type=Path, help="the archive")
    parser.add_argument(
        "public_key", type=Path, nargs="?", help="PEM file with the public keys that you trust"
    )
    parser.add_argument(
        "--artifacts", type=Path, metavar="FOLDER", help="hash the model's files in it and compare them"
    )
    parser.add_argument(
        "--checkpoints", type=Path, metavar="FILE", help="compare with your own copy of checkpoints.jsonl"
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args(arguments)
    try:
        trusted = given.public_key.read_text(encoding="utf-8") if given.public_key else ""
        copy = given.checkpoints.read_text(encoding="utf-8") if given.checkpoints else None
        with zipfile.ZipFile(given.bundle) as archive:
            found = verify_bundle(archive, trusted, given.artifacts, copy)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"The bundle cannot be read: {error}\n")
        return 2
    sys.stdout.write((json.dumps(asdict(found)) if given.json else "\n".join(tell(found))) + "\n")
    return 0 if found.ok else 1


if __name__ == "__main__":
    raise SystemExit(check_file())
