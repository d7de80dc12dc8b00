"""The commands that rebuild a version from its commit and its data."""

import shlex

from experiments.models import Repository
from experiments.repositories import mirror_path
from registry.models import ModelVersion


def steps(version: ModelVersion) -> list[str]:
    """Return the commands that clone, check out and reproduce `version`; none where its origin is unknown.

    The clone comes from the managed mirror, because the commit that holds the run's parameters and `dvc.lock`
    lies on a branch of ours there.
    """
    commit = version.lineage.get("git_commit", "")
    repository = Repository.objects.filter(name=version.lineage.get("stagegate.repository", "")).first()
    if not commit or repository is None:
        return []
    clone = shlex.join(["git", "clone", str(mirror_path(repository)), repository.name])
    enter = shlex.join(["cd", repository.name])
    return [clone, enter, shlex.join(["git", "checkout", commit]), "dvc pull", "dvc repro"]
