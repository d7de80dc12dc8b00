"""Gate: the version can be traced to its data, its commit and its `dvc.lock`."""

from collections.abc import Mapping
from typing import Any

from registry.gates.gate import Facts, Gate, GateResult, Row, Status
from registry.gates.options import Kind, Option


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if everything is there that the policy asks for."""
    asked = [row(facts.lineage) for name, row in _ROWS.items() if config[name]]
    failed = [row for row in asked if row.status is not Status.PASSED]
    value, threshold = f"{len(asked) - len(failed)} / {len(asked)}", f"{len(asked)} / {len(asked)}"
    margin = str(-len(failed)) if failed else "0"
    if failed:
        reason = f"Not known: {', '.join(row.name for row in failed)}."
        return GateResult(Status.FAILED, reason, value, threshold, margin, tuple(failed))
    reason = "Everything that the policy asks for is known."
    return GateResult(Status.PASSED, reason, value, threshold, margin, tuple(asked))


def _data(lineage: Mapping[str, Any]) -> Row:
    digest = str(lineage.get("data_hash") or "")
    if digest:
        return Row("data", Status.PASSED, digest[:12], reason="The hash of the data is recorded.")
    return Row("data", Status.FAILED, reason="The hash of the data is not recorded.")


def _commit(lineage: Mapping[str, Any]) -> Row:
    commit = str(lineage.get("commit") or "")
    if not commit:
        return Row("commit", Status.FAILED, reason="The Git commit is not recorded.")
    if lineage.get("commit_known") is not True:
        reason = "No repository that is connected here has this commit."
        return Row("commit", Status.FAILED, commit[:12], reason=reason)
    return Row("commit", Status.PASSED, commit[:12], reason="A connected repository has this commit.")


def _lock(lineage: Mapping[str, Any]) -> Row:
    digest = str(lineage.get("dvc_lock_digest") or "")
    if digest:
        return Row("dvc.lock", Status.PASSED, digest[:12], reason="The digest of dvc.lock is recorded.")
    return Row("dvc.lock", Status.FAILED, reason="There is no digest of a dvc.lock.")


_ROWS = {"data": _data, "commit": _commit, "dvc_lock": _lock}

GATE = Gate(
    "lineage",
    "Lineage complete",
    "The version can be traced to its data, its commit and its dvc.lock.",
    check,
    options=(
        Option("data", "Hash of the data", Kind.FLAG, True),
        Option("commit", "Commit in a connected repository", Kind.FLAG, True),
        Option("dvc_lock", "Digest of dvc.lock", Kind.FLAG, True),
    ),
    tab="lineage",
)
