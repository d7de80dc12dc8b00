"""One job from claim to finish, in the process of a worker."""

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from experiments import job_leases, job_queue, log_text, runners, worker_shutdown, workspaces
from experiments.job_board import StepBoard
from experiments.job_context import Cancelled, JobContext, LostLease, Released, Stopped
from experiments.job_fence import Fence
from experiments.job_keeper import JobKeeper
from experiments.job_leases import ClaimedJob
from experiments.job_logs import JobLogWriter
from integrations import process_group
from integrations.errors import IntegrationError

logger = logging.getLogger(__name__)

ERROR_CHARACTERS = 2_000
# The database was away or busy: what a later attempt may not meet.
_PASSING_DATABASE_FAULTS = (OperationalError, InterfaceError)

Finish = Callable[[], bool]


def run_next(job_id: int) -> bool:
    """Run the job that comes first in the queue of `job_id`; return False if none can run now.

    A message says that something waits; for every job there is one, so each gets its turn.
    """
    return any(run(candidate) for candidate in job_queue.candidates(job_id))


def run(job_id: int, *, worker: str = "") -> bool:
    """Claim the job and run it to its end; return False if it was not there to be claimed.

    What goes wrong in the runner ends in the job's row, not here.

    :param worker: name of this process for people; made up if empty
    """
    with worker_shutdown.busy():
        if worker_shutdown.requested():
            return False  # it stays in the queue, and will be announced again
        claimed = job_leases.claim(job_id, worker or job_leases.worker_name(os.getpid()))
        if claimed is None:
            return False
        try:
            kind = runners.get(claimed.kind)
        except runners.UnknownKindError as error:
            job_leases.finish_fail(claimed.fence, str(error), [])
        else:
            _Attempt(claimed, kind).run()
        return True


class _Attempt:
    """A claimed job while it runs."""

    def __init__(self, claimed: ClaimedJob, kind: runners.Kind) -> None:
        self.claimed = claimed
        self.fence: Fence = claimed.fence
        self.kind = kind
        self.log = JobLogWriter(self.fence, claimed.next_line)
        self.board = StepBoard(kind.steps)
        self.limit = float(kind.time_limit or settings.JOB_TIME_LIMIT)
        self.keeper = JobKeeper(
            self.fence, self.log, self.board, started=claimed.started, time_limit=self.limit
        )

    def run(self) -> None:
        with self.keeper, contextlib.ExitStack() as leftovers:
            finish = self._work(leftovers)
            self.keeper.settle()
            self._insist(finish)

    def _work(self, leftovers: contextlib.ExitStack) -> Finish:
        """Run the runner; return what is to be written about it."""
        try:
            if self.fence.attempt > 1:  # the reaper may have been at work on another host
                process_group.kill_marked(Fence(self.fence.job_id, self.fence.attempt - 1).marker)
            context = self._context(leftovers)
            with worker_shutdown.interruptible(self.keeper.reason):
                outcome = self.kind.load()(context)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a runner raises is the job's fault
            return self._after(error)
        finally:
            process_group.kill_marked(self.fence.marker)
        return lambda: self._succeed(outcome)

    def _context(self, leftovers: contextlib.ExitStack) -> JobContext:
        return JobContext(
            job_id=self.fence.job_id,
            attempt=self.fence.attempt,
            payload=self.claimed.payload,
            workspace=leftovers.enter_context(workspaces.fresh(self.fence)),
            marker=self.fence.marker,
            submitted_by=self.claimed.submitted_by,
            time_limit=self.limit,
            sink=self.log,
            board=self.board,
            watch=self.keeper,
        )

    def _after(self, error: BaseException) -> Finish:
        # A runner that was told to stop may well end with another error, of the program that was killed.
        stop = error if isinstance(error, Stopped) else self.keeper.reason()
        if stop is not None:
            return self._stopped(stop)
        known = isinstance(error, IntegrationError)
        text = _describe(error.message if isinstance(error, IntegrationError) else _name(error))
        self.log.write(text if known else "".join(traceback.format_exception(error)))
        steps = self.board.closed("failed")
        if _may_pass(error):
            return lambda: job_leases.finish_later(self.fence, text, steps)
        return lambda: job_leases.finish_fail(self.fence, text, steps)

    def _stopped(self, stop: Stopped) -> Finish:
        if isinstance(stop, LostLease):
            logger.warning("Job %s: attempt %s lost its lease.", self.fence.job_id, self.fence.attempt)
            return lambda: False
        self.log.write(str(stop))
        if isinstance(stop, Released):
            return lambda: job_leases.release(self.fence)
        steps = self.board.closed("failed")
        if isinstance(stop, Cancelled):
            return lambda: job_leases.finish_cancelled(self.fence, steps)
        return lambda: job_leases.finish_fail(self.fence, str(stop), steps)

    def _succeed(self, outcome: runners.Outcome) -> bool:
        try:
            return job_leases.finish_success(self.fence, outcome, self.board.closed("done"))
        except _PASSING_DATABASE_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - a result that no row can hold must not leave the job open
            text = _describe(f"The result could not be stored: {_name(error)}")
            return job_leases.finish_fail(self.fence, text, self.board.closed("failed"))

    def _insist(self, finish: Finish) -> None:
        """Write the end of the job, as often as it takes while the lease holds."""
        while True:
            try:
                finish()
            except _PASSING_DATABASE_FAULTS as error:
                logger.warning("Job %s: its end could not be written yet: %s", self.fence.job_id, error)
                connection.close()
                if isinstance(self.keeper.reason(), LostLease):
                    return
                time.sleep(1)
            else:
                return


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, IntegrationError):
        return not error.permanent
    return isinstance(error, _PASSING_DATABASE_FAULTS)


def _name(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _describe(text: str) -> str:
    return "\n".join(log_text.lines(text))[:ERROR_CHARACTERS]
