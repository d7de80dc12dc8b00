"""The facts a promotion is decided on, frozen under one digest."""

import hashlib
from typing import Any

from audit.chain import canonical
from registry.models import ModelVersion


def snapshot(version: ModelVersion, incumbent: ModelVersion | None) -> dict[str, Any]:
    """Return the evidence for promoting `version` as it stands now.

    :param version: the candidate
    :param incumbent: the version that holds the target stage now, if there is one
    """
    return {
        "version": version.version,
        "run_id": version.run_id,
        "source": version.source,
        "metadata": version.metadata,
        "fingerprint": version.fingerprint,
        "manifest_digest": version.manifest_digest,
        "lineage": version.lineage,
        "incumbent": incumbent.version if incumbent else None,
    }


def digest(evidence: dict[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) of the evidence in canonical JSON."""
    return hashlib.sha256(canonical(evidence).encode()).hexdigest()


def changes(frozen: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """Return the names of the facts that differ between two snapshots, in alphabetical order."""
    names = sorted({*frozen, *current})
    return [name for name in names if frozen.get(name) != current.get(name)]
