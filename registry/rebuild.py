"""The commands that rebuild a version from its commit and its data."""

import shlex

from experiments.models import Repository
from experiments.repositories import mirror_path
from registry.models import ModelVersion


def command(version: ModelVersion) -> str:
    """Return a command that clones, checks out and reproduces `version`; empty where its origin is unknown.

    The clone comes from the managed mirror, because the commit that holds the run's parameters and `dvc.lock`
    lies on a branch of ours there.
    """
    commit = version.lineage.get("git_commit", "")
    repository = Repository.objects.filter(name=version.lineage.get("stagegate.repository", "")).first()
    if not commit or repository is None:
        return ""
    clone = shlex.join(["git", "clone", str(mirror_path(repository)), repository.name])
    steps = [clone, shlex.join(["cd", repository.name]), shlex.join(["git", "checkout", commit])]
    return " && ".join([*steps, "dvc pull", "dvc repro"])
