"""The mirror of MLflow: brings its experiments, runs and metrics into our tables, again and again.

One pass (`synchronise`, every few seconds) does four things, each bounded:

1. experiments, all of them;
2. the newest runs, page by page, until a page holds nothing new or changed;
3. the runs that are going on, since MLflow does not tell when a run was last changed;
4. for the rest of a small time budget: a slice of the reconciliation, which walks over every run and finds
   what the quick look cannot (runs logged with an old start time, edits and deletions of old runs), and
   metric histories that are waiting.

A reconciliation starts every `RECONCILE_EVERY` seconds and goes on from pass to pass. So a large server is
taken over in slices, and new runs are seen meanwhile. A lease in `SyncState` lets one pass work at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from experiments import mirror_state
from experiments.mirror_reconciling import EXPERIMENTS_PER_SEARCH, ask_again, go_on
from experiments.mirror_rows import ACTIVE, write_experiments, write_runs
from experiments.mirror_series import read_series, read_waiting
from experiments.mirror_state import Progress
from experiments.mirror_values import LIVE_STATUSES, TERMINAL_STATUSES
from experiments.models import Run
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer

logger = logging.getLogger(__name__)

PAGE = 100
NEWEST_PAGES = 3
LIVE_PAGES = 10
BUSY_PAUSE = 0.5  # seconds
BUDGET = 1.5  # seconds for slices of the reconciliation, and again for histories
# Until everything has been here once: the quick look at what is new takes time from the import.
FIRST_BUDGET = 10.0
AT_ONCE_FIRST = 2  # pages that MLflow is asked for at once, until everything has been here once
RECONCILE_EVERY = timedelta(minutes=5)
_GOING_ON = " AND ".join(f"attributes.status != '{status}'" for status in sorted(TERMINAL_STATUSES))


@dataclass
class Report:
    """What one pass did.

    :ivar error: why it was cut short, in words; empty when all went well
    :ivar busy: another pass was at work, so nothing was done
    :ivar written: runs that were new or changed
    :ivar series: runs whose histories were read
    :ivar problems: sentences about single runs
    """

    error: str = ""
    busy: bool = False
    written: int = 0
    series: int = 0
    problems: list[str] = field(default_factory=list)


def connect() -> MLflowServer:
    """Return the MLflow server of the settings, with the short limits of a background reader."""
    return MLflowServer(settings.MLFLOW_TRACKING_URI, keep_alive=False)


def synchronise(server: MLflowServer | None = None) -> Report:
    """Do one pass. That MLflow is down is no exception: the report and `SyncState.error` say so.

    Idempotent; safe to call from anywhere at any time.
    """
    report = Report()
    state = mirror_state.acquire()
    if state is None:
        report.busy = True
        return report
    try:
        _pass(server or connect(), state, report)
    except IntegrationError as error:
        report.error = error.message
    except mirror_state.LostError:
        report.busy = True
        return report
    except BaseException as error:
        mirror_state.release(state, error=f"The mirror failed ({type(error).__name__}).")
        raise
    mirror_state.release(state, error=report.error)
    for problem in report.problems:
        logger.warning("%s", problem)
    return report


def reconcile(on_pass: Callable[[Report], None], server: MLflowServer | None = None) -> Report:
    """Do passes until everything that MLflow has now is mirrored; return the sum of their reports.

    :param on_pass: called after each pass with the sum so far; what it raises ends the work
    :raises IntegrationError: MLflow cannot be reached
    """
    asked, total = timezone.now(), Report()
    while not mirror_state.reconciled_since(asked):
        mirror_state.request_reconciliation()
        report = synchronise(server)
        if report.error:
            raise IntegrationError(report.error, permanent=False)
        if report.busy:
            time.sleep(BUSY_PAUSE)
        total.written += report.written
        total.series += report.series
        total.problems += report.problems
        on_pass(total)
    return total


def mirror_run(run_id: str, server: MLflowServer | None = None) -> Run:
    """Mirror one run at once, histories included, for whoever has just logged it; idempotent.

    :raises IntegrationError: MLflow cannot be reached, or does not know the run
    """
    server = server or connect()
    write_experiments(server.experiments())
    read_series(server, run_id)
    return Run.objects.get(run_id=run_id)


def _pass(server: MLflowServer, state: Progress, report: Report) -> None:
    experiments = server.experiments()
    # MLflow deletes and restores the runs with their experiment, far beyond the newest page.
    overdue = write_experiments(experiments)
    identifiers = sorted((one.experiment_id for one in experiments), key=lambda one: (len(one), one))
    for start in range(0, len(identifiers), EXPERIMENTS_PER_SEARCH):
        group = identifiers[start : start + EXPERIMENTS_PER_SEARCH]
        written, complete = _newest(server, group, state)
        report.written += written + _going_on(server, group, state)
        overdue = overdue or not complete
    if state.is_due(RECONCILE_EVERY) or (overdue and state.cursor is None):
        state.begin()
    first = not state.took
    budget = FIRST_BUDGET if first else BUDGET
    width = AT_ONCE_FIRST if first else 1
    report.written += go_on(server, identifiers, state, time.monotonic() + budget, width=width)
    # Runs come before their curves: until all are here nobody can find one.
    behind = first and state.cursor is not None
    series = read_waiting(server, state.live, time.monotonic() + BUDGET, live_only=behind)
    report.series, report.problems = series.runs, series.problems
    if report.written or "runs" not in state.counts:
        state.counts.update(experiments=len(experiments), runs=Run.objects.count())


def _newest(server: MLflowServer, experiments: Sequence[str], state: Progress) -> tuple[int, bool]:
    """Write the newest runs; return how many, and whether the page where we stopped held no new one."""
    written, token = 0, None
    for _ in range(NEWEST_PAGES):
        page = server.search_runs(experiments, max_results=PAGE, page_token=token)
        page_written = write_runs(page.runs, now=timezone.now())
        state.renew()
        written, token = written + page_written.total, page.next_page_token
        if not page_written.total or token is None:
            return written, True
    return written, not page_written.new


def _going_on(server: MLflowServer, experiments: Sequence[str], state: Progress) -> int:
    """Write the runs that are going on, and those that were when we last heard of them; return how many."""
    written, token = 0, None
    seen: set[str] = set()
    for _ in range(LIVE_PAGES):
        page = server.search_runs(experiments, filter=_GOING_ON, max_results=PAGE, page_token=token)
        written += write_runs(page.runs, now=timezone.now()).total
        seen.update(record.run_id for record in page.runs)
        state.renew()
        token = page.next_page_token
        if token is None:
            break
    ours = Run.objects.filter(
        status__in=LIVE_STATUSES, lifecycle_stage=ACTIVE, experiment__experiment_id__in=experiments
    )
    ended = ours.exclude(run_id__in=seen).values_list("run_id", flat=True)[: LIVE_PAGES * PAGE]
    return written + ask_again(server, experiments, list(ended))
