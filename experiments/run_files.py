"""Operation: have the files of runs listed and read. Whoever looks asks, a worker reads, whoever looks sees.

No job and no entry in the trail: nothing that anybody decided changes, only what this product remembers of
MLflow. What is asked for twice is read once; what nobody asked for is never read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from experiments import file_room
from experiments.file_kinds import Kind
from experiments.models import Run, RunFile, RunListing
from experiments.selectors import run_files as selectors
from experiments.selectors.run_files import RunFiles

#: Files of one kind of a run that are of use at once.
MOST = 8
#: Asks that may wait at a time; what is asked beyond them is asked again by the next look.
MAX_WAITING = 2_000
_USED_AGAIN = timedelta(minutes=10)


def obtain(
    runs: Collection[Run], *, path: str = "", kind: Kind | None = None, most: int = MOST
) -> dict[int, RunFiles]:
    """Return what is there of the files of `runs`, by primary key of the run, and ask for what is missing.

    Two queries when nothing is missing, at most eight. Contents: `selectors.run_files.contents`.

    :param path: the one file of each run that is wanted; or
    :param kind: the kind of which at most `most` files of each are; with neither the listings alone
    """
    known = selectors.listings(runs)
    wanted = bool(path or kind) and "\0" not in path
    files = selectors.matching(runs, path=path, kind=kind, most=most) if wanted else {}
    left = file_room.AT_ONCE
    found: dict[int, RunFiles] = {}
    for run in runs:
        kept, left = _within(files.get(run.pk, []), left)
        beyond = tuple(file for file in files.get(run.pk, ()) if file not in kept)
        found[run.pk] = RunFiles(run, known.get(run.pk), tuple(kept), beyond)
    _ask_for_listings([one.run for one in found.values() if selectors.is_due(one.run, one.listing)], known)
    ask([file for one in found.values() for file in one.files])
    _note_use(found.values())
    return found


def ask(files: Sequence[RunFile]) -> None:
    """Ask for the contents of those of `files` that are worth reading; the rows say so afterwards."""
    wanted = [file for file in files if selectors.is_wanted(file)]
    large = [file for file in wanted if file.size is not None and file.size > file_room.PER_FILE]
    small = [file for file in wanted if file not in large]
    for group, state in (
        (large, RunFile.State.LARGE),
        (small[: _free()] if small else [], RunFile.State.ASKED),
    ):
        if not group:
            continue
        now = timezone.now()
        rows = RunFile.objects.filter(pk__in=[file.pk for file in group])
        rows.exclude(state__in=[RunFile.State.ASKED, RunFile.State.THERE]).update(
            state=state, asked_at=now, problem=""
        )
        for file in group:
            file.state, file.asked_at, file.problem = state, now, ""


def renew(run: Run) -> None:
    """Have the files of `run` listed anew, and forget their contents once that is done."""
    now = timezone.now()
    RunListing.objects.get_or_create(run=run, defaults={"asked_at": now, "used_at": now})
    RunListing.objects.filter(run=run).update(asked_at=now, renew=True)


def is_asked() -> bool:
    """Say whether somebody waits for a listing or a content. Two queries on indexes of what waits."""
    return (
        RunListing.objects.filter(asked_at__isnull=False).exists()
        or RunFile.objects.filter(state=RunFile.State.ASKED).exists()
    )


def _within(files: list[RunFile], left: int) -> tuple[list[RunFile], int]:
    """Return those of `files` that `left` bytes have room for, and how many bytes are left then."""
    kept = []
    for file in files:
        size = file_room.PER_FILE if file.size is None else file.size
        size = 0 if size > file_room.PER_FILE else size
        if size <= left:
            kept.append(file)
            left -= size
    return kept, left


def _free() -> int:
    return max(0, MAX_WAITING - RunFile.objects.filter(state=RunFile.State.ASKED).count())


def _ask_for_listings(runs: Sequence[Run], known: dict[int, RunListing]) -> None:
    now = timezone.now()
    new = [RunListing(run=run, asked_at=now, used_at=now) for run in runs if run.pk not in known]
    if new:
        RunListing.objects.bulk_create(new, ignore_conflicts=True)
    again = [known[run.pk] for run in runs if run.pk in known]
    if again:
        RunListing.objects.filter(pk__in=[row.pk for row in again], asked_at=None).update(asked_at=now)
    for row in again:
        row.asked_at = now


def _note_use(found: Collection[RunFiles]) -> None:
    """Keep what is looked at from being forgotten; written at most once in ten minutes each."""
    before = timezone.now() - _USED_AGAIN
    listed = [one.listing.pk for one in found if one.listing and _is_older(one.listing.used_at, before)]
    if listed:
        RunListing.objects.filter(pk__in=listed).update(used_at=timezone.now())
    held = [file.pk for one in found for file in one.files if file.held and _is_older(file.used_at, before)]
    if held:
        RunFile.objects.filter(pk__in=held).update(used_at=timezone.now())


def _is_older(moment: datetime | None, before: datetime) -> bool:
    return moment is None or moment < before
