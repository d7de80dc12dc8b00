"""Verifies an exported audit trail. It also runs alone, far from the product, as one file:

    python verifier.py export.jsonl checkpoints.jsonl public_key.pem [--json]

`audit.standing_alone` puts that file together from this one and what it imports of the product. It needs
Python 3.11 and the package `cryptography`, and believes nothing but the public key.

- An export holds one entry a line. Each carries a hash over its content and the hash before it, so that an
  edit, a deletion, an insertion or an exchange breaks the chain at an entry, which is named here.
- A chain rewritten to its end, or cut off, is a whole chain again. That is what checkpoints are for: signed
  (Ed25519) statements "entry n has hash h", each of which holds the digest of the one before it.
- An excerpt holds some entries, each with a proof: the way from its hash to the root of a Merkle tree (RFC
  9162) over a stretch of the chain that a checkpoint signs. It cannot show that no other entry was there.

Exit status: 0 nothing is wrong, 1 something is (the first fault is named), 2 the files cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.canonical_json import canonical

# What checks signatures is imported where one is checked: whoever only walks along a chain does without it.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GENESIS = hashlib.sha256(b"stagegate audit chain, format 1").hexdigest()
START = hashlib.sha256(b"stagegate audit checkpoints, format 1").hexdigest()
TEXTS = ("at", "event", "actor_id", "actor_name", "target_kind", "target_id", "target_name", "model_name")
FIELDS = ("sequence", *TEXTS, "data", "prev_hash", "hash")
CHECKPOINTED = "audit.checkpointed"
_SIGNED = b"stagegate audit checkpoint, format 1\n"
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)

Keys = dict[str, "Ed25519PublicKey"]


class FaultError(Exception):
    """The first thing that is wrong: at entry `sequence`, shown by the checkpoint up to entry `checkpoint`.

    Kinds: altered, missing, order, unreadable (an entry); rewritten, cut (by a checkpoint); checkpoint.
    """

    def __init__(self, kind: str, reason: str, sequence: int | None = None, checkpoint: int | None = None):
        super().__init__(reason)
        self.kind, self.reason, self.sequence, self.checkpoint = kind, reason, sequence, checkpoint


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement about the entries `first` to `sequence`: the last hash, the root over all."""

    first: int
    sequence: int
    hash: str
    root: str
    at: str


@dataclass
class Checkpoints:
    """What a file of checkpoints says, once every signature was found good; `digests` of its lines."""

    marks: list[Checkpoint] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    last_digest: str = START


@dataclass
class Report:
    """The outcome. `uncovered` entries at the end are chained, but not signed yet."""

    ok: bool
    mode: str = "chain"
    entries: int = 0
    first: int = 0
    last: int = 0
    checkpoints: int = 0
    covered_to: int = 0
    covered_at: str = ""
    uncovered: int = 0
    fault: dict[str, Any] | None = None


def digest(record: Mapping[str, Any]) -> str:
    """Return the hash that an entry must carry; a ValueError says that a field has no canonical form."""
    body = {name: record[name] for name in FIELDS if name not in ("prev_hash", "hash")}
    return hashlib.sha256((record["prev_hash"] + canonical(body)).encode()).hexdigest()


def node(*below: bytes) -> bytes:
    """Return a node of the Merkle tree (RFC 9162, 2.1.1): above two others, or the leaf of one hash."""
    return hashlib.sha256(bytes([len(below) - 1]) + b"".join(below)).digest()


def root_of_path(entry_hash: str, index: int, size: int, path: Sequence[str]) -> str:
    """Return the root that a proof for leaf `index` of `size` leads to (RFC 9162, 2.1.3.2), or ValueError."""
    top, number, last = node(bytes.fromhex(entry_hash)), index, size - 1
    for step in map(bytes.fromhex, path):
        if last == 0:
            raise ValueError("the proof is too long")
        if number % 2 or number == last:
            top = node(step, top)
            while number % 2 == 0 and number:
                number, last = number // 2, last // 2
        else:
            top = node(top, step)
        number, last = number // 2, last // 2
    if last:
        raise ValueError("the proof is too short")
    return top.hex()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the beginning of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_keys(pem: str) -> Keys:
    """Return the public keys of a PEM text, which may hold several; ValueError where it holds none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = [load_pem_public_key(block.encode()) for block in _PEM.findall(pem)]
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not found or not all(isinstance(key, Ed25519PublicKey) for key in found):
        raise ValueError("no Ed25519 public key in PEM form, or one of another kind")
    return {key_id(key): key for key in found if isinstance(key, Ed25519PublicKey)}


def check_signature(key: Ed25519PublicKey, signature: str, text: bytes) -> None:
    """Return if `signature`, in hex digits, is that of `key` over `text`; else ValueError."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(bytes.fromhex(signature), text)
    except InvalidSignature as error:
        raise ValueError("its signature is wrong") from error


def _key_of(digits: str) -> Ed25519PublicKey:
    """Return the public key whose 32 bytes are written in hex digits; ValueError if they are none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))


def signed_text(line: Mapping[str, Any]) -> bytes:
    """Return what the signature of a line of checkpoints is made over."""
    return _SIGNED + canonical({name: line[name] for name in line if name != "signature"}).encode()


def line_digest(line: Mapping[str, Any]) -> str:
    """Return the digest by which the next line, and the trail, name a line of checkpoints."""
    return hashlib.sha256(canonical(line).encode()).hexdigest()


def read_checkpoints(lines: Iterable[str], keys: Keys) -> Checkpoints:
    """Return what the lines say; FaultError where one is altered, missing, or signed by nobody trusted.

    A line whose key nobody trusts counts once a later, trusted line vouches for it by holding its
    digest. A key can hand over to the next one; from then on it is worth nothing.
    """
    read, trusted, retired, waiting = Checkpoints(), dict(keys), set[str](), 0
    for number, text in enumerate(lines, start=1):
        try:
            signed = _take(_object(text), read, trusted, retired)
        except _BROKEN as error:
            raise FaultError("checkpoint", f"checkpoint line {number}: {error}") from error
        waiting = 0 if signed else waiting or number
    if waiting:
        raise FaultError("checkpoint", f"checkpoint line {waiting}: it is signed with a key nobody trusts")
    return read


def _take(line: Mapping[str, Any], read: Checkpoints, trusted: Keys, retired: set[str]) -> bool:
    """Check one line, add what it says, and return whether somebody trusted signed it."""
    signer, key = line["key"], trusted.get(line["key"])
    if line["previous"] != read.last_digest:
        raise ValueError("it does not follow the one before it, so one was altered or removed")
    if signer in retired:
        raise ValueError("it is signed with a key that was retired")
    if key:
        check_signature(key, line["signature"], signed_text(line))
    if line["kind"] == "key":
        new = _key_of(line["new_key"])
        if key:
            trusted[key_id(new)] = new
        retired.add(signer)
    elif line["kind"] == "checkpoint":
        covered = read.marks[-1].sequence if read.marks else 0
        mark = Checkpoint(*(line[name] for name in Checkpoint.__annotations__))
        if mark.first != covered + 1 or mark.sequence < mark.first:
            raise ValueError(f"it does not go on after entry {covered}")
        read.marks.append(mark)
    else:
        raise ValueError("it is of no known kind")
    read.last_digest = line_digest(line)
    read.digests.add(read.last_digest)
    return key is not None


class Walk:
    """Walks along a chain, entry by entry, past the checkpoints on the way."""

    def __init__(self, checkpoints: Checkpoints | None = None, sequence: int = 0, last: str = GENESIS):
        """Start after entry `sequence`, whose hash is `last`; without `checkpoints`, see the chain only."""
        self.sequence, self.hash, self._checkpoints = sequence, last, checkpoints
        marks = checkpoints.marks if checkpoints else []
        self._ahead = [mark for mark in reversed(marks) if mark.sequence > sequence]

    def feed(self, record: Mapping[str, Any] | Exception) -> None:
        """Take the next entry (an exception: it could not be read); FaultError if it does not belong here."""
        number = self.sequence + 1
        if isinstance(record, Exception):
            raise FaultError("unreadable", f"the entry cannot be read: {record}", number)
        if record.get("sequence") != number:
            other = f"entry {record.get('sequence')} stands in its place"
            raise FaultError("missing", f"entry {number} is missing: {other}", number)
        if record.get("prev_hash") != self.hash:
            raise FaultError("order", "the entry does not follow the one before it", number)
        check_content(record, number)
        self.sequence, self.hash = number, record["hash"]
        self._pass(record, number)

    def end(self) -> None:
        """Take note that the chain ends here; FaultError if a checkpoint knows of more."""
        if self._ahead:
            mark, first = self._ahead[0], self.sequence + 1
            reason = f"entries {first} to {mark.sequence} are missing; a checkpoint of {mark.at} signed them"
            raise FaultError("cut", reason, first, mark.sequence)

    def _pass(self, record: Mapping[str, Any], number: int) -> None:
        known = self._checkpoints
        if known and record["event"] == CHECKPOINTED and record["data"].get("digest") not in known.digests:
            raise FaultError("checkpoint", "a checkpoint that this entry tells of is not there", number)
        if not self._ahead or self._ahead[-1].sequence != number:
            return
        mark = self._ahead.pop()
        if mark.hash != self.hash:
            reason = f"the chain was rewritten: a checkpoint of {mark.at} signed another hash here, "
            reason += f"so the first false entry is one of {mark.first} to {number}"
            raise FaultError("rewritten", reason, number, number)


def check_content(record: Mapping[str, Any], number: int) -> None:
    """Look at one entry alone; FaultError where its fields and its hash do not belong together."""
    try:
        if set(record) != set(FIELDS):
            raise ValueError(f"its fields are {', '.join(sorted(record))}")
        types = {"sequence": int, "data": dict}
        if not all(type(value) is types.get(name, str) for name, value in record.items()):
            raise ValueError("a field has the wrong type")
        right = digest(record)
    except _BROKEN as error:
        raise FaultError("unreadable", f"the entry cannot be read: {error}", number) from error
    if right != record["hash"]:
        raise FaultError("altered", "the content does not match the hash", number)


class Excerpt:
    """Takes entries that each carry the proof that a checkpoint has signed them."""

    def __init__(self, checkpoints: Checkpoints):
        self.sequence, self._hash = 0, GENESIS
        self._marks = {mark.sequence: mark for mark in checkpoints.marks}

    def feed(self, record: Mapping[str, Any] | Exception) -> None:
        """Take the next entry; FaultError if it is altered, or was never signed."""
        after = self.sequence + 1
        if isinstance(record, Exception):
            raise FaultError("unreadable", f"the next entry cannot be read: {record}", after)
        number = record.get("sequence")
        if type(number) is not int or number < after:
            raise FaultError("order", f"entry {number} stands after entry {after - 1}", after)
        check_content({name: record[name] for name in record if name != "proof"}, number)
        if number == after and record["prev_hash"] != self._hash:
            raise FaultError("order", "the entry does not follow the one before it", number)
        if not self._is_proven(record):
            raise FaultError("rewritten", "its proof does not hold: no checkpoint signed this entry", number)
        self.sequence, self._hash = number, record["hash"]

    def _is_proven(self, record: Mapping[str, Any]) -> bool:
        try:
            mark = self._marks[record["proof"]["checkpoint"]]
            index, size = record["sequence"] - mark.first, mark.sequence - mark.first + 1
            proven = root_of_path(record["hash"], index, size, record["proof"]["path"])
            return 0 <= index < size and proven == mark.root
        except _BROKEN:
            return False


def verify(records: Iterable[Mapping[str, Any] | Exception], checkpoints: Checkpoints) -> Report:
    """Verify a whole chain, or an excerpt (its entries carry proofs). Memory does not grow with them."""
    entries = iter(records)
    head = list(itertools.islice(entries, 1))
    is_excerpt = bool(head) and isinstance(head[0], Mapping) and "proof" in head[0]
    reader = Excerpt(checkpoints) if is_excerpt else Walk(checkpoints)
    report, marks = Report(True, "excerpt" if is_excerpt else "chain"), checkpoints.marks
    try:
        for record in itertools.chain(head, entries):
            reader.feed(record)
            report.first, report.entries = report.first or reader.sequence, report.entries + 1
        if isinstance(reader, Walk):
            reader.end()
        if report.entries and not marks:
            raise FaultError("checkpoint", "there is no checkpoint, so a rewritten chain could not be told")
    except FaultError as found:
        report.ok, report.fault = False, vars(found)
    report.last, report.checkpoints = reader.sequence, len(marks)
    if marks:
        report.covered_to, report.covered_at = marks[-1].sequence, marks[-1].at
    report.uncovered = max(0, report.last - report.covered_to)
    return report


def read_lines(lines: Iterable[str]) -> Iterator[dict[str, Any] | Exception]:
    """Yield the entries of an export; a line that holds none becomes the exception that says why."""
    for line in lines:
        try:
            yield _object(line)
        except (ValueError, RecursionError) as error:
            yield error


def read_json(text: str) -> Any:
    """Return the JSON value of a text that means one thing to every reader; else ValueError."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def _object(text: str) -> dict[str, Any]:
    found = read_json(text)
    if not isinstance(found, dict):
        raise ValueError("the line holds no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return dict(pairs)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def describe(report: Report) -> str:
    """Return the outcome in sentences."""
    if report.fault:
        place = f" at entry {report.fault['sequence']}" if report.fault["sequence"] else ""
        return f"FAULT{place}: {report.fault['reason']}."
    signed = (
        f"{report.checkpoints} checkpoints, the last at {report.covered_at} up to entry {report.covered_to}."
    )
    if report.mode == "excerpt":
        return f"OK: each of {report.entries} entries was signed; others may be left out.\n{signed}"
    whole = f"OK: {report.entries} entries form one unbroken chain."
    return f"{whole}\n{signed} Not signed yet: {report.uncovered}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run on the command line and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify an exported audit trail of Stagegate.")
    parser.add_argument("export", type=Path, help="the entries, one JSON object a line")
    parser.add_argument("checkpoints", type=Path, help="the checkpoints, one JSON object a line")
    parser.add_argument("public_key", type=Path, help="PEM file with the public key (or keys) that you trust")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args(arguments)
    try:
        keys = read_keys(given.public_key.read_text(encoding="utf-8"))
        with given.export.open(**_TEXT) as entries, given.checkpoints.open(**_TEXT) as signed:
            report = verify(read_lines(entries), read_checkpoints(signed, keys))
    except FaultError as found:
        report = Report(False, fault=vars(found))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The files cannot be read: {error}\n")
        return 2
    sys.stdout.write((json.dumps(asdict(report)) if given.json else describe(report)) + "\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
