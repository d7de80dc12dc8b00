"""What is known of the files of runs. Nothing here asks for anything: `experiments.run_files` does."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from experiments.file_kinds import Kind
from experiments.mirror_values import LIVE_STATUSES
from experiments.models import Run, RunFile, RunFileContent, RunListing

#: A listing of a run that goes on is read again after it, if somebody looks.
FRESH = timedelta(seconds=15)
#: What failed is tried again after it, if somebody looks.
PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True)
class RunFiles:
    """What is known of the files of one run that were looked for.

    :ivar listing: None: nobody has asked for it yet
    :ivar files: those that fit, by path
    :ivar beyond: files that fit and are not kept here because too much was asked for at once
    """

    run: Run
    listing: RunListing | None
    files: tuple[RunFile, ...] = ()
    beyond: tuple[RunFile, ...] = field(default=())

    @property
    def is_read(self) -> bool:
        """Whether the listing is there, however old."""
        return self.listing is not None and self.listing.read_at is not None

    @property
    def waits(self) -> bool:
        """Whether something was asked for that is not there yet: ask again in a second."""
        if self.listing is None or self.listing.asked_at is not None:
            return True
        return any(file.state == RunFile.State.ASKED for file in self.files)

    @property
    def problem(self) -> str:
        """Why the listing could not be read, in words; empty if it could."""
        return self.listing.problem if self.listing else ""


def listings(runs: Collection[Run]) -> dict[int, RunListing]:
    """Return what is known of the listings of `runs`, by the run's primary key. One query."""
    return {row.run_id: row for row in RunListing.objects.filter(run__in=[run.pk for run in runs])}


def matching(runs: Collection[Run], *, path: str, kind: Kind | None, most: int) -> dict[int, list[RunFile]]:
    """Return the files at `path`, or of `kind`, of each of `runs`: at most `most` each. One query."""
    rows = RunFile.objects.filter(run__in=[run.pk for run in runs])
    rows = rows.filter(path=path) if path else rows.filter(kind=kind)
    place = Window(RowNumber(), partition_by=F("run_id"), order_by=F("path").asc())
    found: dict[int, list[RunFile]] = {}
    for row in rows.annotate(place=place).filter(place__lte=most).order_by("run_id", "path"):
        found.setdefault(row.run_id, []).append(row)
    return found


def all_of(run: Run) -> list[RunFile]:
    """Return every listed file of `run`, by path. One query."""
    return list(RunFile.objects.filter(run=run).order_by("path"))


def file_at(run: Run, path: str) -> RunFile | None:
    """Return the file of `run` at `path`, or None if it is not listed. One query."""
    return RunFile.objects.filter(run=run, path=path).first() if path and "\0" not in path else None


def contents(files: Iterable[RunFile]) -> dict[int, bytes]:
    """Return the bytes of those of `files` that are there, by primary key. One query."""
    there = [file.pk for file in files if file.state == RunFile.State.THERE]
    rows = RunFileContent.objects.filter(pk__in=there).values_list("pk", "data") if there else ()
    return {pk: bytes(data) for pk, data in rows}


def is_due(run: Run, listing: RunListing | None) -> bool:
    """Say whether the listing of `run` is to be read, now that somebody looks."""
    if listing is None:
        return True
    if listing.asked_at is not None:
        return False
    now = timezone.now()
    if listing.problem and listing.failed_at is not None:
        return now - listing.failed_at > PATIENCE
    if listing.read_at is None:
        return True
    ended = run.status not in LIVE_STATUSES
    return not (listing.final and ended) and (ended or now - listing.read_at > FRESH)


def is_wanted(file: RunFile) -> bool:
    """Say whether the content of `file` is to be read, now that somebody looks."""
    if file.state == RunFile.State.FAILED:
        return file.read_at is None or timezone.now() - file.read_at > PATIENCE
    return file.state == RunFile.State.LISTED
