"""How long jobs usually take, by those of the same kind and repository that succeeded before."""

from collections.abc import Collection
from datetime import timedelta
from statistics import median

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from experiments.job_states import JobState
from experiments.models import Job

_LAST = 5
_RECENT = timedelta(days=30)

Usual = dict[tuple[str, int | None], timedelta]


def usual(jobs: Collection[Job]) -> Usual:
    """Return the median time of recent successful jobs like `jobs`, by kind and repository. One query.

    A kind without an earlier success is left out; without `jobs` there is no query.
    """
    if not jobs:
        return {}
    newest = Window(RowNumber(), partition_by=[F("kind"), F("repository")], order_by=F("pk").desc())
    done = Job.objects.filter(
        state=JobState.SUCCEEDED,
        created_at__gte=timezone.now() - _RECENT,
        kind__in={job.kind for job in jobs},
        started_at__isnull=False,
        finished_at__isnull=False,
    ).exclude(pk__in=[job.pk for job in jobs])
    rows = done.annotate(newest=newest).filter(newest__lte=_LAST)
    found: dict[tuple[str, int | None], list[float]] = {}
    for kind, repository, started, finished in rows.values_list(
        "kind", "repository", "started_at", "finished_at"
    ):
        if started is not None and finished is not None:
            found.setdefault((kind, repository), []).append((finished - started).total_seconds())
    return {key: timedelta(seconds=median(times)) for key, times in found.items()}
