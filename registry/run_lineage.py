"""Rules: what a run says of where it came from. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.mirror_values import keyed

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


_TRAINING = frozenset({"train", "training"})


def of(run: Run) -> dict[str, str]:
    """Return what `run` says about its origin."""
    said = tags(run)
    told = {name: next((said[tag] for tag in names if said.get(tag)), "") for name, names in _TAGS.items()}
    return {name: value for name, value in told.items() if value}


def tags(run: Run) -> dict[str, str]:
    """Return the tags of `run`, with what `mlflow.log_input` says of its data where no tag does."""
    used = data_sets(run)
    if run.tags.get("dataset_hash") or not used:
        return dict(run.tags)
    name, key = next(iter(used.items()))
    return {"dataset_name": name, **run.tags, "dataset_hash": key}


def data_sets(run: Run) -> dict[str, str]:
    """Return what tells the data apart that `run` was trained on, by name, as it logged them with MLflow.

    Where it says of none that they are for training, all count.
    """
    known = list(keyed(run.inputs))
    trained = [(key, one) for key, one in known if one["context"].lower() in _TRAINING]
    return {one["name"]: key for key, one in trained or known}
