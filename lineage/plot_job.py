"""Runner of the job kind `read_plots`: read files of plots from the cache or the remote."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from experiments.job_context import JobContext
from experiments.models import Repository
from experiments.runners import Outcome
from integrations.dvc_listings import Entries, read_listing
from integrations.dvc_objects import Place
from lineage import dvc_places, listings, plot_objects, plot_records, plot_rows
from lineage.models import CommitPlots
from lineage.plot_contents import Content
from lineage.plot_objects import Objects
from lineage.plot_records import FileState, PlottedFile
from lineage.selectors import plots as selectors

Read = dict[tuple[Place, ...], Objects]


def run(context: JobContext) -> Outcome:
    """Read the plots of the commits that the payload names; what cannot be had is stored with its reason.

    :raises IntegrationError: the repository is not connected any more
    """
    repository = dvc_places.connected(context.payload["repository"])
    read: Read = {}
    with context.doing("fetch files"):
        found = sum([_read(context, repository, sha, read) for sha in context.payload["commits"]])
    return Outcome({"files": found})


def _read(context: JobContext, repository: Repository, sha: str, read: Read) -> int:
    """Read what of a commit is not here; return how many files were read."""
    context.check()
    # Anew for each: two commits may share what the first of them had read.
    commit = repository.history.select_related("plots").filter(sha=sha).first()
    if commit is None or commit.plots is None or not (wanted := selectors.unread(commit)):
        return 0
    places = tuple(dvc_places.of_commit(repository, sha))
    objects = read.setdefault(places, Objects(places, partial(_list_of, places=places)))
    files = plot_records.files_from_json(commit.plots.files) | wanted
    found = plot_objects.read(plot_records.from_json(commit.plots.plots), files, objects)
    changed = {path: file for path, file in found.files.items() if files.get(path) != file}
    _write(repository, commit.plots, changed, found.contents)
    for path, file in changed.items():
        context.log(f"{path}: {file.reason or file.state}")
    return sum(file.state == FileState.KEPT for file in changed.values())


def _list_of(value: str, places: tuple[Place, ...]) -> Entries:
    known = listings.known(value)
    if known is not None:
        return listings.entries(known)
    entries = read_listing(value, places)
    listings.keep(value, entries)
    return entries


@transaction.atomic
def _write(
    repository: Repository, plots: CommitPlots, files: dict[str, PlottedFile], contents: dict[str, Content]
) -> None:
    # One writer at a time for each repository, as `history_index` has it.
    Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    plot_rows.add(CommitPlots.objects.get(pk=plots.pk), files, contents)
