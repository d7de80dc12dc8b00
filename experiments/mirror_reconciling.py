"""The long walk over all runs of MLflow, in slices that fit into the passes of the mirror.

It compares two lists that are ordered alike, newest first: MLflow's, page by page, and ours between the
page's first and last run. What only MLflow has is new, what only we have is asked for by id and, if it is not
there either, has been removed for good. So memory is bounded by a few pages, and nothing is written for a run
that did not change.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone

from experiments.mirror_ahead import Answer, PagesAhead
from experiments.mirror_rows import ACTIVE, DELETED, mark_vanished, write_runs
from experiments.mirror_series import UNREADABLE
from experiments.mirror_state import Cursor, Progress
from experiments.mirror_values import moment
from experiments.models import Run
from integrations.errors import IntegrationError
from integrations.mlflow_records import RunPage, RunRecord
from integrations.mlflow_server import MLflowServer

EXPERIMENTS_PER_SEARCH = 500
RUNS_PER_QUESTION = 100
# MLflow sorts everything for each page, so pages are large where it answers quickly.
SMALLEST_PAGE, LARGEST_PAGE = 10, 1_000
QUICK, SLOW = 1.5, 3.0  # seconds


def go_on(
    server: MLflowServer, experiments: Sequence[str], progress: Progress, deadline: float, *, width: int = 1
) -> int:
    """Do slices until the walk is complete or `deadline` (monotonic seconds) has passed, at least one.

    While one page is written the next ones are read.

    :param experiments: ids of all experiments that MLflow has, in a stable order
    :param width: how many pages are read at once
    :return: number of runs that were new or changed
    :raises IntegrationError: MLflow cannot be reached; the walk goes on from the same place later
    """
    written = 0
    largest = LARGEST_PAGE // width
    with PagesAhead(server, width) as pages:
        while (cursor := progress.cursor) is not None:
            group = _group(experiments, cursor)
            if not group:
                return written + _finish(experiments, progress)
            try:
                answer = pages.take(group, cursor.token, min(cursor.page, largest))
            except IntegrationError as error:
                _retreat(progress, cursor, error)
                raise
            cursor.page = _next_size(cursor.page, answer, largest)
            if (token := answer.page.next_page_token) and time.monotonic() < deadline:
                pages.go_on(group, token, cursor.page)
            written += _compare(server, group, progress, cursor, answer.page)
            progress.renew()
            if not pages.is_waiting and time.monotonic() >= deadline:
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


def _group(experiments: Sequence[str], cursor: Cursor) -> Sequence[str]:
    """Return the experiments that are walked through now; none when all have been."""
    first = experiments.index(cursor.after) + 1 if cursor.after in experiments else 0
    return experiments[first : first + EXPERIMENTS_PER_SEARCH]


def _next_size(size: int, answer: Answer, largest: int) -> int:
    if answer.seconds > SLOW:
        return max(size // 2, SMALLEST_PAGE)
    quick = answer.seconds < QUICK and len(answer.page.runs) >= size
    return min(size * 2, largest) if quick else min(size, largest)


def _retreat(progress: Progress, cursor: Cursor, error: IntegrationError) -> None:
    """Ask for less the next time; if that cannot help, begin again: it may be the token of the page."""
    if error.permanent and cursor.page == SMALLEST_PAGE:
        progress.begin()
    else:
        cursor.page = max(cursor.page // 4, SMALLEST_PAGE)


def _compare(
    server: MLflowServer, group: Sequence[str], progress: Progress, cursor: Cursor, page: RunPage
) -> int:
    """Write what is new on a page, ask for what we have there and MLflow did not say, and move on."""
    written = write_runs(page.runs, now=timezone.now()).total
    last = page.runs[-1] if page.runs and page.next_page_token else None
    ours = _after(cursor.start, cursor.run).filter(experiment__experiment_id__in=group)
    if last is not None:
        ours = _until(ours, last)
    seen = {record.run_id for record in page.runs}
    missing = [run_id for run_id in ours.values_list("run_id", flat=True) if run_id not in seen]
    for start in range(0, len(missing), RUNS_PER_QUESTION):
        written += ask_again(server, group, missing[start : start + RUNS_PER_QUESTION])
        progress.renew()
    cursor.token = page.next_page_token
    cursor.start, cursor.run = (last.start_time, last.run_id) if last else (None, "")
    if page.next_page_token is None:
        cursor.after = group[-1]
    return written


def _after(start: int | None, run_id: str) -> QuerySet[Run]:
    """Return our active runs that MLflow lists after the one that started at `start` (milliseconds).

    It lists the newest first, those of the same time by id, and those without a time last.
    """
    runs = Run.objects.filter(lifecycle_stage=ACTIVE).order_by()
    if start is None:
        return runs
    at = moment(start)
    if at is None:
        # Before the calendar: only those without a time are left. Beyond it: it was among the first.
        return runs.filter(started_at__isnull=True) if start <= 0 else runs
    return runs.filter(
        Q(started_at__lt=at) | Q(started_at=at, run_id__gt=run_id) | Q(started_at__isnull=True)
    )


def _until(runs: QuerySet[Run], last: RunRecord) -> QuerySet[Run]:
    """Return those of `runs` that MLflow lists before `last`, and that one."""
    at = moment(last.start_time)
    if at is None:
        return runs.filter(started_at__isnull=False) if last.start_time <= 0 else runs.none()
    return runs.filter(Q(started_at__gt=at) | Q(started_at=at, run_id__lte=last.run_id))


def _finish(experiments: Sequence[str], progress: Progress) -> int:
    """Mark the runs of experiments that are gone for good, and give unreadable histories another chance."""
    orphans = Run.objects.filter(lifecycle_stage=ACTIVE).exclude(experiment__experiment_id__in=experiments)
    written = orphans.update(lifecycle_stage=DELETED, digest="")
    Run.objects.filter(series_digest=UNREADABLE).update(series_digest="")
    progress.counts["lost"] = Run.objects.filter(digest="").count()
    progress.complete()
    return written
