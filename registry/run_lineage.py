"""Rules: the tags of a run that say where it came from. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.models import Run

LINEAGE_TAGS = (
    "git_commit",
    "git_branch",
    "dataset_name",
    "dataset_version",
    "dataset_hash",
    "dvc_lock_digest",
    "stagegate.job",
    "stagegate.repository",
)


def of(run: Run) -> dict[str, str]:
    """Return what the tags of `run` say about its origin."""
    return {name: run.tags[name] for name in LINEAGE_TAGS if name in run.tags}
