"""Runner of the job kind `list_files`: read the lists of files of folders from the cache or the remote."""

from __future__ import annotations

from experiments.job_context import JobContext
from experiments.models import Repository
from experiments.runners import Outcome
from integrations.dvc_listings import read_listing
from integrations.dvc_objects import TooLargeError
from integrations.errors import IntegrationError
from lineage import dvc_places, listings
from lineage.models import DataVersion


def run(context: JobContext) -> Outcome:
    """Read the lists of the versions that the payload names; what cannot be had is stored with its reason.

    :raises IntegrationError: the repository is not connected any more
    """
    repository = dvc_places.connected(context.payload["repository"])
    context.step("fetch files", "running")
    rows = repository.data_versions.filter(pk__in=context.payload["versions"])
    found = sum([_read(context, repository, row) for row in rows])
    context.step("fetch files", "done")
    return Outcome({"lists": found})


def _read(context: JobContext, repository: Repository, row: DataVersion) -> int:
    context.check()
    try:
        entries = read_listing(row.hash, dvc_places.of_data(repository, row))
    except IntegrationError as error:
        too_large = isinstance(error, TooLargeError)
        state = listings.State.TOO_LARGE if too_large else listings.State.UNREACHABLE
        listings.keep_failure(row.hash, state, error.message)
        context.log(f"{row.path} {row.hash}: {error.message}")
        return 0
    listings.keep(row.hash, entries)
    context.log(f"{row.path} {row.hash}: {len(entries)} files")
    return 1
