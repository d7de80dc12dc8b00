"""Rules: the members of an evidence bundle that can be compared, and what every check asks of them.

No database; part of the verifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.canonical_json import canonical

VERSION = "version.json"
ARTIFACTS = "artifacts.json"
CARD = "card.json"
DEPLOYMENTS = "deployments.json"
REPORT = "report.html"
GRAPH = "lineage/graph.json"
ORIGIN = "lineage/origin.json"
PROV = "lineage/prov.json"
OPENLINEAGE = "lineage/openlineage.jsonl"
TRAIL = "audit/export.jsonl"
PROMOTIONS, EVIDENCE, REPRODUCTIONS = "promotions/", "evidence/", "reproductions/"
_RECORDS = (VERSION, ARTIFACTS, CARD, DEPLOYMENTS, GRAPH, ORIGIN, PROV, OPENLINEAGE, REPORT)
# How long names may be in the trail, see `registry.trail_targets`.
_LONGEST_ID, _LONGEST_MODEL = 200, 140
RECORDED = "the audit trail"
_LAG = timedelta(hours=1)  # a chore that decides much takes its time once
_LONGEST_TOLD = 80  # characters of a value in a sentence

Entry = Mapping[str, Any]


def is_record(name: str) -> bool:
    """Say whether the member called `name` is compared."""
    return name in _RECORDS or name.startswith((PROMOTIONS, EVIDENCE, REPRODUCTIONS))


@dataclass(frozen=True)
class Bundle:
    """The records of a bundle.

    :ivar subject: what it is about, as its manifest says
    :ivar records: name of a member -> its JSON (of the report its text), of those that `is_record` names
    :ivar entries: of its excerpt of the trail
    :ivar left_out: kind of rows -> how many older ones are not in it
    """

    subject: str
    records: Mapping[str, Any]
    entries: Sequence[Entry]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def version(self) -> Mapping[str, Any]:
        """What it says of the version."""
        found: Mapping[str, Any] = self.records[VERSION]
        return found

    @property
    def name(self) -> str:
        """Model and version."""
        return f"{self.version['model']}@{self.version['version']}"

    @property
    def is_of_version(self) -> bool:
        """Whether it is about the version with all its promotions."""
        return self.subject == self.name

    @property
    def promotions(self) -> list[Mapping[str, Any]]:
        """The promotions in it."""
        return [one for name, one in self.records.items() if name.startswith(PROMOTIONS)]

    @property
    def target_id(self) -> str:
        """How the trail names the version."""
        if len(self.name) <= _LONGEST_ID:
            return self.name
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return f"{self.name[: _LONGEST_ID - len(digest) - 1]}~{digest}"

    @property
    def label(self) -> str:
        """How the trail calls the version where somebody reads it."""
        model = self.version["model"]
        short = model if len(model) <= _LONGEST_MODEL else f"{model[: _LONGEST_MODEL - 1]}…"
        return f"{short}@{self.version['version']}"

    def evidence_of(self, promotion: int) -> dict[str, Mapping[str, Any]]:
        """Return digest -> facts of the evidence of a promotion."""
        rows = [one for name, one in self.records.items() if name.startswith(EVIDENCE)]
        return {one["digest"]: one["facts"] for one in rows if one["promotion"] == promotion}

    def about_version(self, *events: str) -> Iterator[Entry]:
        """Yield the entries about the version that tell of one of `events`."""
        return (one for one in self._about("version", self.target_id) if one["event"] in events)

    def about_promotion(self, number: int) -> list[Entry]:
        """Return the entries about a promotion."""
        return list(self._about("promotion", str(number)))

    def _about(self, kind: str, identity: str) -> Iterator[Entry]:
        wanted = (kind, identity, self.version["model"])
        names = ("target_kind", "target_id", "model_name")
        return (one for one in self.entries if tuple(one[name] for name in names) == wanted)


def digest_of(value: Any) -> str:
    """Return the SHA-256 (hex) of a JSON value in canonical form; a ValueError says that it has none."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def differences(told: Mapping[str, Any], recorded: Mapping[str, Any], whose: str) -> Iterator[str]:
    """Yield what `told` says otherwise than `recorded`, which `whose` name stands for."""
    for name, right in recorded.items():
        if told[name] != right:
            yield f"{name} is {_short(told[name])}, {whose} says {_short(right)}"


def instant(text: str) -> datetime:
    """Return the instant that a text with a time zone names; a ValueError says that it names none."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def same_instant(one: str | None, other: str | None) -> bool:
    """Say whether two texts name the same instant, or neither names one."""
    return (one and instant(one)) == (other and instant(other))


def late(what: str, told: str | None, entry: Entry | None) -> Iterator[str]:
    """Yield a fault if `told` is not the moment before `entry` recorded it."""
    if told is None or entry is None:
        if told or entry:
            yield f"{what} is {told}, {RECORDED} says {entry and entry['at']}"
    elif abs(instant(entry["at"]) - instant(told)) > _LAG:
        yield f"{what} is {told}, {RECORDED} recorded it at {entry['at']}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_TOLD else f"{text[: _LONGEST_TOLD - 1]}…"
