"""The thread beside a running job: renews the lease, stores log and progress, learns when to stop."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection

from experiments import job_leases, worker_shutdown
from experiments.job_board import StepBoard
from experiments.job_context import Cancelled, LostLease, Released, Stopped, TimedOut
from experiments.job_fence import Fence
from experiments.job_logs import JobLogWriter

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
LOOK_SECONDS = 1.0
HEARTBEATS_PER_LEASE = 6
# Seconds after which a runner that ignores that it should stop is interrupted. Programs that it started are
# given their grace first.
PATIENCE_AT_SHUTDOWN = 2.0
PATIENCE_AFTER_GRACE = 10.0


class JobKeeper:
    """Keeps one attempt alive from entering the context to leaving it.

    The lease also ends by this machine's monotonic clock: a worker that cannot reach the database stops its
    job before anybody else may start it.

    :param started: when the claim began, by the monotonic clock
    :param time_limit: seconds the attempt may take
    """

    def __init__(
        self, fence: Fence, log: JobLogWriter, board: StepBoard, *, started: float, time_limit: float
    ) -> None:
        self._fence = fence
        self._log = log
        self._board = board
        self._time_limit = time_limit
        self._started = started
        self._renewed = started
        self._lost = False
        self._cancelled = False
        self._stop_seen: float | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keeper of job {fence.job_id}", daemon=True)

    def __enter__(self) -> "JobKeeper":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def reason(self) -> Stopped | None:
        """Return why the job should stop, or None; does no I/O."""
        now = time.monotonic()
        if self._lost or now - self._renewed > settings.JOB_LEASE:
            return LostLease("The job is no longer this worker's.")
        if worker_shutdown.requested():
            return Released("The worker is shutting down.")
        if self._cancelled:
            return Cancelled("The job was cancelled.")
        if now - self._started > self._time_limit:
            return TimedOut(f"The job took longer than its limit of {self._time_limit:g} seconds.")
        return None

    def settle(self) -> None:
        """Close the log and store everything that is not stored yet. Call it before the job is finished."""
        self._log.close()
        self._attempt(self._store)

    def _keep(self) -> None:
        beat = settings.JOB_LEASE / HEARTBEATS_PER_LEASE
        chores = [
            _Chore(FLUSH_SECONDS, self._store),
            _Chore(min(LOOK_SECONDS, beat), self._look),
            _Chore(beat, self._renew),
        ]
        try:
            while not self._done.wait(0.1):
                for chore in chores:
                    if chore.is_due():
                        self._attempt(chore.act)
                self._interrupt_the_deaf()
        finally:
            connection.close()

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except DatabaseError as error:
            logger.warning("Job %s: the database does not answer: %s", self._fence.job_id, error)
            connection.close()

    def _store(self) -> None:
        held = self._log.flush()
        changed = self._board.take()
        if changed is not None:
            try:
                held = job_leases.save_progress(self._fence, *changed) and held
            except DatabaseError:
                self._board.put_back()
                raise
        self._lost = self._lost or not held

    def _look(self) -> None:
        wanted = job_leases.cancel_requested(self._fence)
        self._lost = self._lost or wanted is None
        self._cancelled = self._cancelled or bool(wanted)

    def _renew(self) -> None:
        # Measured from before the statement: the row's lease cannot end earlier than this one.
        before = time.monotonic()
        if job_leases.heartbeat(self._fence):
            self._renewed = before
        else:
            self._lost = True

    def _interrupt_the_deaf(self) -> None:
        reason = self.reason()
        if reason is None:
            return
        now = time.monotonic()
        self._stop_seen = self._stop_seen or now
        at_once = isinstance(reason, LostLease | Released)
        patience = PATIENCE_AT_SHUTDOWN if at_once else settings.JOB_CANCEL_GRACE + PATIENCE_AFTER_GRACE
        if now - self._stop_seen > patience:
            worker_shutdown.interrupt()


class _Chore:
    """Something to do every so many seconds."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self.act = act
        self._seconds = seconds
        self._next = time.monotonic()

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
