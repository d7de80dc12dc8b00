"""The long walk over all runs of MLflow, in slices that fit into the passes of the mirror.

It compares two lists that are ordered alike, newest first: MLflow's, page by page, and ours between the
times of the page's first and last run. What only MLflow has is new, what only we have is asked for by id and,
if it is not there either, has been removed for good. So memory is bounded by a page, and nothing is written
for a run that did not change.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone

from experiments.mirror_rows import ACTIVE, DELETED, mark_vanished, write_runs
from experiments.mirror_series import UNREADABLE
from experiments.mirror_state import Cursor, Progress
from experiments.mirror_values import moment
from experiments.models import Run
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer

PAGE = 200
EXPERIMENTS_PER_SEARCH = 500
RUNS_PER_QUESTION = 100
MAX_MISSING = 1_000  # asked for per page; more are found in the next walk


def go_on(server: MLflowServer, experiments: Sequence[str], progress: Progress, deadline: float) -> int:
    """Do slices until the walk is complete or `deadline` (monotonic seconds) has passed, at least one.

    :param experiments: ids of all experiments that MLflow has, in a stable order
    :return: number of runs that were new or changed
    :raises IntegrationError: MLflow cannot be reached; the walk goes on from the same place later
    """
    written = 0
    while progress.cursor is not None:
        try:
            written += _slice(server, experiments, progress, progress.cursor)
        except IntegrationError as error:
            if error.permanent:
                progress.begin()  # should it be the token of the page that MLflow does not take
            raise
        progress.renew()
        if time.monotonic() >= deadline:
            break
    return written


def ask_again(server: MLflowServer, experiments: Sequence[str], run_ids: Sequence[str]) -> int:
    """Write these runs as MLflow has them now, and mark those that it has no more; return how many."""
    written = 0
    for start in range(0, len(run_ids), RUNS_PER_QUESTION):
        asked = run_ids[start : start + RUNS_PER_QUESTION]
        found = server.runs_by_id(experiments, asked)
        written += write_runs(found, now=timezone.now()).total
        written += mark_vanished(set(asked) - {record.run_id for record in found})
    return written


def _slice(server: MLflowServer, experiments: Sequence[str], progress: Progress, cursor: Cursor) -> int:
    first = experiments.index(cursor.after) + 1 if cursor.after in experiments else 0
    group = experiments[first : first + EXPERIMENTS_PER_SEARCH]
    if not group:
        return _finish(experiments, progress)
    page = server.search_runs(group, max_results=PAGE, page_token=cursor.token)
    written = write_runs(page.runs, now=timezone.now()).total
    last = page.runs[-1].start_time if page.runs and page.next_page_token else None
    seen = {record.run_id for record in page.runs}
    ours = _between(cursor.start, last).filter(experiment__experiment_id__in=group).exclude(run_id__in=seen)
    written += ask_again(server, group, list(ours.values_list("run_id", flat=True)[:MAX_MISSING]))
    cursor.token, cursor.start = page.next_page_token, last
    if page.next_page_token is None:
        cursor.after = group[-1]
    return written


def _between(newest: int | None, oldest: int | None) -> QuerySet[Run]:
    """Return our active runs that started within these times (milliseconds, both included; None: open)."""
    runs = Run.objects.filter(lifecycle_stage=ACTIVE).order_by()
    upper, lower = moment(newest), moment(oldest)
    if upper is not None:
        runs = runs.filter(Q(started_at__lte=upper) | Q(started_at__isnull=True))
    if lower is not None:
        runs = runs.filter(started_at__gte=lower)
    return runs


def _finish(experiments: Sequence[str], progress: Progress) -> int:
    """Mark the runs of experiments that are gone for good, and give unreadable histories another chance."""
    orphans = Run.objects.filter(lifecycle_stage=ACTIVE).exclude(experiment__experiment_id__in=experiments)
    written = orphans.update(lifecycle_stage=DELETED, digest="")
    Run.objects.filter(series_digest=UNREADABLE).update(series_digest="")
    progress.complete()
    return written
