"""Writing what was read of plots: each distinct set of plots and each content once, within a bound.

Used by `history_index` and `plot_job`, inside of their transactions.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet, Sum

from experiments.models import Repository
from lineage import plot_records
from lineage.history_rows import known_keys
from lineage.models import CommitPlots, PlotFile
from lineage.plot_contents import Content
from lineage.plot_reading import Plots
from lineage.plot_records import PlottedFile

#: Of the packed contents of a repository; beyond them those that were read first are forgotten.
KEPT_BYTES = 50_000_000


def write(repository: Repository, found: Mapping[str, Plots]) -> None:
    """Write the plots of commits, which are here, by SHA."""
    distinct = {one.digest: one for one in found.values()}
    known = known_keys(CommitPlots, repository, distinct)
    rows = CommitPlots.objects.bulk_create(
        CommitPlots(repository=repository, digest=digest, plots=one.plots, files=one.files)
        for digest, one in distinct.items()
        if digest not in known
    )
    keys = known | {row.digest: row.pk for row in rows}
    commits: dict[int, list[str]] = {}
    for sha, one in found.items():
        commits.setdefault(keys[one.digest], []).append(sha)
    for key, shas in commits.items():
        repository.history.filter(sha__in=shas).update(plots=key)
    _add_contents(
        repository, {oid: content for one in distinct.values() for oid, content in one.contents.items()}
    )


def add(row: CommitPlots, files: Mapping[str, PlottedFile], contents: Mapping[str, Content]) -> None:
    """Add to `row` what was read of its files since."""
    row.files = {**row.files, **plot_records.files_as_json(files)}
    row.save(update_fields=["files"])
    _add_contents(row.repository, contents)


def _add_contents(repository: Repository, contents: Mapping[str, Content]) -> None:
    rows = PlotFile.objects.filter(repository=repository)
    known = set(rows.filter(oid__in=contents).values_list("oid", flat=True))
    new = contents.keys() - known
    PlotFile.objects.bulk_create(
        PlotFile(repository=repository, oid=oid, packed=one.packed, size=len(one.packed), media=one.media)
        for oid, one in contents.items()
        if oid in new
    )
    if new:
        _forget(repository)


def _forget(repository: Repository) -> None:
    rows = PlotFile.objects.filter(repository=repository)
    surplus = (rows.aggregate(Sum("size"))["size__sum"] or 0) - KEPT_BYTES
    # Images first: each takes the place of many tables.
    for part in (rows.exclude(media=""), rows.filter(media="")):
        surplus = _forget_first(part, surplus)


def _forget_first(rows: QuerySet[PlotFile], surplus: int) -> int:
    """Delete of `rows` those that were read first, as many as needed; return what is still too much."""
    last = None
    for pk, size in rows.order_by("pk").values_list("pk", "size").iterator():
        if surplus <= 0:
            break
        last, surplus = pk, surplus - size
    if last is not None:
        rows.filter(pk__lte=last).delete()
    return surplus
