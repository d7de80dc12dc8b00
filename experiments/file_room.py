"""How much of the files of runs is kept, and what is forgotten when there is no more room.

What was used longest ago goes first. Forgetting costs a second when somebody looks again, nothing else.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet, Sum

from experiments.models import Run, RunFile, RunFileContent, RunListing

#: Bytes of one file; larger ones are not read at all.
PER_FILE = 2 * 1024**2
#: Bytes of all files of one run.
PER_RUN = 64 * 1024**2
#: Bytes of everything.
IN_ALL = 256 * 1024**2
#: Bytes that one page may ask for: less than all, so that it cannot push out what it asked for itself.
AT_ONCE = 48 * 1024**2
#: Files that are listed, of all runs together.
LISTED = 300_000


def make_room(run: Run) -> None:
    """Forget contents until those of `run`, and all together, are within their limits."""
    _forget_contents(RunFile.objects.filter(run=run, held__gt=0), PER_RUN)
    _forget_contents(RunFile.objects.filter(held__gt=0), IN_ALL)


def forget_listings() -> None:
    """Forget whole listings, contents included, until all together are within their limit."""
    total = RunListing.objects.aggregate(total=Sum("count"))["total"] or 0
    if total <= LISTED:
        return
    for row in RunListing.objects.order_by("used_at", "pk").iterator():
        if total <= LISTED:
            return
        with transaction.atomic():
            RunFile.objects.filter(run_id=row.run_id).delete()
            row.delete()
        total -= row.count


def forget(rows: QuerySet[RunFile]) -> None:
    """Forget the contents of `rows`; they stay listed."""
    with transaction.atomic():
        RunFileContent.objects.filter(file__in=rows).delete()
        rows.exclude(state=RunFile.State.ASKED).update(state=RunFile.State.LISTED, held=0)


def _forget_contents(rows: QuerySet[RunFile], limit: int) -> None:
    total = rows.aggregate(total=Sum("held"))["total"] or 0
    gone = []
    for pk, held in rows.order_by("used_at", "pk").values_list("pk", "held") if total > limit else ():
        if total <= limit:
            break
        gone.append(pk)
        total -= held
    if gone:
        forget(RunFile.objects.filter(pk__in=gone))
