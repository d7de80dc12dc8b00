"""Rules: the tags of a run that say where it came from. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.models import Run

_OURS = (
    "git_branch",
    "git_base_commit",
    "dataset_name",
    "dataset_version",
    "dataset_hash",
    "dvc_lock_digest",
    "stagegate.job",
    "stagegate.repository",
)
#: Fact -> the tags that tell it, ours first: what MLflow's own client writes counts where ours are absent.
_TAGS = {"git_commit": ("git_commit", "mlflow.source.git.commit"), **{name: (name,) for name in _OURS}}


def of(run: Run) -> dict[str, str]:
    """Return what the tags of `run` say about its origin."""
    told = {
        name: next((run.tags[tag] for tag in tags if run.tags.get(tag)), "") for name, tags in _TAGS.items()
    }
    return {name: value for name, value in told.items() if value}
