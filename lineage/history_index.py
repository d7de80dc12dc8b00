"""The index of a repository's history: every commit of its branches and tags. Runs in a worker.

Sole writer of the tables of `lineage.models` about history, plots, data versions and GTO; only `plot_job`
adds to what is known of plots, and only `index_requests` says that a pass failed as a whole. A commit never
changes, so one that is here is not read again, unless its plots were not read: then these are added and
nothing else is touched. Commits are written ancestors first, some at a time, each time in one transaction, so
that a worker may vanish anywhere and the next one goes on. Stages and data name the first commit that has
them by `commit_order`, so that the tables are the same in whatever order branches come. Rows stay when
branches go: jobs, runs and versions point to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from experiments import repositories
from experiments.models import Repository
from experiments.stage_environment import cache_dir
from experiments.stored_text import text
from integrations.errors import IntegrationError
from integrations.git_history import GitHistory, HistoryEntry
from integrations.git_repository import GitMirror
from lineage import gto_rows, history_rows, plot_objects, plot_rows
from lineage.commit_order import CommitOrder
from lineage.history_rows import Reading
from lineage.models import HistoryState
from lineage.plot_reading import Plots
from lineage.refs_digest import refs_digest
from lineage.stage_records import digest_of
from lineage.tree_reading import Inputs, Snapshot, TreeReader

MAX_COMMITS = 50_000
BATCH = 100
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What a pass did: commits it read, those with files that cannot be read, and tags that are malformed."""

    new_commits: int
    problems: int
    malformed_tags: int


def index(
    repository: Repository,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Read the commits that are new since the last pass, and all tags. Idempotent.

    :param check: called between batches; raises when the pass is to stop
    :raises IntegrationError: there is no mirror, or Git cannot read it
    """
    history = GitHistory(GitMirror(repositories.mirror_path(repository)))
    refs = refs_digest(repository)
    reachable, total = history.reachable(MAX_COMMITS)
    known, order = _known(repository)
    wanted = [sha for sha in reachable if known.get(sha) is None]
    new = 0
    problems = 0
    with history.objects() as objects:
        reader = TreeReader(objects, plot_objects.in_cache(str(cache_dir())))
        for start in range(0, len(wanted), BATCH):
            check()
            batch = [_read(reader, entry) for entry in history.entries(wanted[start : start + BATCH])]
            added = [one for one in batch if one.entry.sha not in known]
            for one in added:
                order.add(one.entry.sha, one.entry.parents, one.entry.committed_at)
            _write(repository, batch, added, order)
            new += len(added)
            problems += sum(has_problems(one) for one in added)
            progress(min(start + BATCH, len(wanted)), len(wanted))
    malformed = gto_rows.replace(repository, history.tags())
    HistoryState.objects.update_or_create(
        repository=repository,
        defaults={
            "indexed_at": timezone.now(),
            "commits": repository.history.count(),
            "left_out": total - len(reachable),
            "malformed_tags": malformed,
            "refs_digest": refs,
            "error": "",
        },
    )
    return Report(new, problems, malformed)


def has_problems(reading: Reading) -> bool:
    """Whether a file of the commit could not be read."""
    return bool(reading.inputs.problems or (reading.snapshot and reading.snapshot.problems))


def _known(repository: Repository) -> tuple[dict[str, int | None], CommitOrder]:
    """Return the commits that are here, by SHA, with the key of their plots, and their order. One query."""
    plots: dict[str, int | None] = {}
    order = CommitOrder()
    rows = repository.history.order_by("pk").values_list("sha", "parents", "committed_at", "plots")
    for sha, parents, at, key in rows.iterator(chunk_size=5_000):
        plots[sha] = key
        order.add(sha, parents, at)
    return plots, order


def _read(reader: TreeReader, entry: HistoryEntry) -> Reading:
    try:
        snapshot = reader.snapshot(entry.tree)
        inputs, plots = reader.inputs(entry.tree, snapshot), reader.plots(entry.tree, snapshot)
        return Reading(entry, snapshot, inputs, plots)
    except IntegrationError as error:
        if not error.permanent:
            raise
        return _unreadable(entry, error.message)
    except Exception as error:  # noqa: BLE001 - foreign trees: no single commit may stop the index
        return _unreadable(entry, f"This commit cannot be read ({type(error).__name__}).")


def _unreadable(entry: HistoryEntry, message: str) -> Reading:
    problems = [{"path": "", "message": text(message, 500)}]
    return Reading(entry, Snapshot(problems=problems, digest=digest_of(problems)), Inputs(), Plots())


@transaction.atomic
def _write(
    repository: Repository, batch: Sequence[Reading], added: Sequence[Reading], order: CommitOrder
) -> None:
    # One writer at a time for each repository; not of the key, see `experiments.commit_index`.
    Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    history_rows.write(repository, added, order)
    plot_rows.write(repository, {one.entry.sha: one.plots for one in batch})
