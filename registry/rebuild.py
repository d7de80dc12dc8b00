"""The commands that rebuild a version from its commit and its data."""

from experiments.job_result import rebuild_commands
from experiments.models import Repository
from experiments.repositories import mirror_path
from registry.models import ModelVersion


def steps(version: ModelVersion) -> list[str]:
    """Return the commands that clone, check out and reproduce `version`; none where its origin is unknown."""
    commit = version.commit
    repository = Repository.objects.filter(name=version.lineage.get("stagegate.repository", "")).first()
    if not commit or repository is None:
        return []
    return rebuild_commands(str(mirror_path(repository)), repository.name, commit)
