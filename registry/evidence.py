"""The facts a promotion is decided on, frozen under one digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.chain import canonical
from registry import gate_facts, gates, policies, promotion_moves
from registry.gates.gate import Facts, GateResult, Judged, Row, Status
from registry.models import ModelVersion, Policy
from registry.policy_rules import Rules

_GATE = "gate:"
_FACT = "fact:"
# They stand at the head of the evidence already.
_TOLD = ("version", "to_stage", "metrics", "card", "manifest_digest")
# Facts that exist only for the sake of another one, and what a person calls the change of both.
_SAME = {"incumbent_metrics": "incumbent", "goals": "metrics", "is_candidate": "version"}


@dataclass(frozen=True)
class Collected:
    """Everything that bears on a promotion, read at one moment.

    :ivar incumbent: the version that has to give way, if there is one
    :ivar policy: None where the rules are those that the product ships with
    :ivar judged: what every gate of the policy says
    :ivar snapshot: the evidence, as JSON
    """

    incumbent: ModelVersion | None
    policy: Policy | None
    rules: Rules
    facts: Facts
    judged: tuple[Judged, ...]
    snapshot: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of the snapshot."""
        return digest(self.snapshot)


def collect(version: ModelVersion, to_stage: str) -> Collected:
    """Return what promoting `version` to `to_stage` would be decided on now. Ten queries at most."""
    incumbent = promotion_moves.holder(version.model, to_stage)
    policy = policies.current(version.model, to_stage)
    rules = policies.rules_of(policy, to_stage)
    facts = gate_facts.of(version, to_stage, incumbent)
    judged = gates.judge(facts, rules.gates)
    found = _snapshot(version, to_stage, gate_facts.as_evidence(facts))
    found |= {
        "policy": _policy(policy, rules),
        "gates": [one.to_dict() for one in judged],
        "incumbent": incumbent.version if incumbent else None,
    }
    return Collected(incumbent, policy, rules, facts, judged, json.loads(canonical(found)))


def digest(evidence: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) of the evidence in canonical JSON."""
    return hashlib.sha256(canonical(evidence).encode()).hexdigest()


def changes(frozen: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs between two snapshots, in alphabetical order.

    A gate that says something else is named ``gate:`` and its name; see `registry.labels.evidence`.
    """
    before, after = _parts(frozen), _parts(current)
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return sorted({_SAME.get(name, name) for name in (one.removeprefix(_FACT) for one in differing)})


def judged_in(evidence: Mapping[str, Any]) -> tuple[Judged, ...]:
    """Return what the gates said when `evidence` was frozen."""
    return tuple(_judged(entry) for entry in evidence.get("gates", ()))


def needed_in(evidence: Mapping[str, Any]) -> int:
    """Return how many approvals the policy asked for when `evidence` was frozen."""
    return int(evidence.get("policy", {}).get("approvals", 1))


def _snapshot(version: ModelVersion, to_stage: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": version.version,
        "to_stage": to_stage,
        "run_id": version.run_id,
        "source": version.source,
        "metadata": version.metadata,
        "metrics": facts["metrics"],
        "fingerprint": version.fingerprint,
        "manifest_digest": version.manifest_digest,
        "lineage": version.lineage,
        "dvc_lock_digest": facts["lineage"].get("dvc_lock_digest", ""),
        "card": facts["card"],
        "facts": {name: value for name, value in facts.items() if name not in _TOLD},
    }


def _policy(policy: Policy | None, rules: Rules) -> dict[str, Any]:
    of = "product" if policy is None else ("model" if policy.model_id else "installation")
    return {
        "of": of,
        "number": policy.number if policy else 0,
        "digest": digest(rules.to_dict()),
        "approvals": rules.approvals,
    }


def _parts(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evidence part by part, as people speak of it."""
    found = {name: value for name, value in evidence.items() if name not in ("facts", "gates")}
    for name, value in evidence.get("facts", {}).items():
        found[f"{_FACT}{name}"] = value
    for entry in evidence.get("gates", ()):
        found[f"{_GATE}{entry['gate']}"] = entry
    return found


def _judged(entry: Mapping[str, Any]) -> Judged:
    given = {name: value for name, value in entry.items() if name not in ("gate", "required")}
    rows = tuple(Row(**{**row, "status": Status(row["status"])}) for row in given.pop("rows", ()))
    result = GateResult(**{**given, "status": Status(given["status"])}, rows=rows)
    return Judged(entry["gate"], entry["required"], result)
