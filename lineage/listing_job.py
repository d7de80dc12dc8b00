"""Runner of the job kind `list_files`: read the lists of files of folders from the cache or the remote."""

from __future__ import annotations

from experiments import repositories
from experiments.job_context import JobContext
from experiments.models import Repository
from experiments.runners import Outcome
from experiments.stage_environment import cache_dir
from integrations.dvc_listings import Place, TooLargeError, default_remote, read_listing
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from lineage import listings
from lineage.models import DataVersion

_CONFIG = ".dvc/config"
_CONFIG_BYTES = 100_000


def run(context: JobContext) -> Outcome:
    """Read the lists of the versions that the payload names; what cannot be had is stored with its reason.

    :raises IntegrationError: the repository is not connected any more
    """
    repository = Repository.objects.filter(name=context.payload["repository"]).first()
    if repository is None:
        raise IntegrationError("This repository is not connected any more.", permanent=True)
    context.step("fetch files", "running")
    rows = repository.data_versions.filter(pk__in=context.payload["versions"])
    found = sum([_read(context, repository, row) for row in rows])
    context.step("fetch files", "done")
    return Outcome({"lists": found})


def _read(context: JobContext, repository: Repository, row: DataVersion) -> int:
    context.check()
    try:
        entries = read_listing(row.hash, _places(repository, row.first_sha))
    except IntegrationError as error:
        too_large = isinstance(error, TooLargeError)
        state = listings.State.TOO_LARGE if too_large else listings.State.UNREACHABLE
        listings.keep_failure(row.hash, state, error.message)
        context.log(f"{row.path} {row.hash}: {error.message}")
        return 0
    listings.keep(row.hash, entries)
    context.log(f"{row.path} {row.hash}: {len(entries)} files")
    return 1


def _places(repository: Repository, sha: str) -> list[Place]:
    mirror = GitMirror(repositories.mirror_path(repository))
    config = mirror.read_file(sha, _CONFIG, max_bytes=_CONFIG_BYTES) or b""
    remote = default_remote(config.decode("utf-8", errors="replace"))
    places = [Place("cache", str(cache_dir()))]
    return [*places, Place("remote", remote)] if remote else places
