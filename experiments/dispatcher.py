"""The process between database and broker: announces jobs, reaps lost ones, asks for chores.

It holds no state of its own. Killed at any point and started again, it goes on from the database; while the
broker is away or frozen it keeps reaping and tries again. Several at a time do no harm.
"""

import logging
import signal
import time
from collections.abc import Callable
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from experiments import chores, job_reaper, outbox
from experiments.job_messages import BROKER_FAULTS, SYNC_QUEUE, Broker

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
REAP_SECONDS = 5.0
REANNOUNCE_SECONDS = 5.0
PRUNE_SECONDS = 600.0
FAULT_SECONDS = 1.0
LONGEST_BACKOFF = 10.0
# A request for the mirror that nobody took up in this time is worth nothing: the next one is under way.
SYNC_EXPIRES = 10.0


class Dispatcher:
    """Does each chore at its time, for ever.

    :param broker: where messages go
    :param clock: seconds, monotonic
    """

    def __init__(self, broker: Broker, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._broker = broker
        self._clock = clock
        self._started = False
        self._faults = 0
        self._due: dict[str, float] = {}

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; must be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)
        logger.info("The dispatcher is at work.")
        try:
            while True:
                self.tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._broker.reset()

    def tick(self) -> None:
        """Do what is due now. A database or broker that is away is waited for, not an error."""
        self._guarded(self._reap)
        self._guarded(self._prune)
        if self._is_due("broker"):
            self._guarded(self._talk)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer: %s", error)
            connection.close()
            time.sleep(FAULT_SECONDS)
        except Exception:
            # One odd row must not keep all other jobs waiting.
            logger.exception("A chore of the dispatcher failed; it is tried again.")
            time.sleep(FAULT_SECONDS)

    def _reap(self) -> None:
        self._every(min(REAP_SECONDS, settings.JOB_LEASE / 2), "reap", job_reaper.reap)

    def _prune(self) -> None:
        self._every(PRUNE_SECONDS, "prune", outbox.prune)

    def _talk(self) -> None:
        try:
            outbox.publish(self._broker)
            self._every(
                min(REANNOUNCE_SECONDS, settings.JOB_REANNOUNCE), "announce again", self._announce_again
            )
            self._every(settings.SYNC_INTERVAL, "sync", self._ask_for_sync)
            self._ask_for_chores()
        except BROKER_FAULTS as error:
            self._back_off(error)
        else:
            if self._faults:
                logger.info("Redis answers again.")
            self._faults = 0

    def _back_off(self, error: Exception) -> None:
        self._broker.reset()
        if not self._faults:
            logger.warning("Redis does not answer; jobs wait in the database. (%s)", error)
        seconds = min(2.0**self._faults / 2, LONGEST_BACKOFF)
        self._faults += 1
        self._due["broker"] = self._clock() + seconds

    def _announce_again(self) -> None:
        # The first time at once: Redis may have been stopped and emptied together with this process.
        outbox.announce_again(self._broker, after=None if self._started else 0)
        self._started = True

    def _ask_for_sync(self) -> None:
        if self._broker.waiting(SYNC_QUEUE) == 0:
            self._broker.ask_for_sync(expires=SYNC_EXPIRES)

    def _ask_for_chores(self) -> None:
        known = chores.all_chores()
        due = [chore for chore in known if self._is_due(f"chore:{chore.name}")]
        # While nobody takes messages, more of them would only pile up.
        if not due or self._broker.waiting(SYNC_QUEUE) > len(known):
            return
        for chore in due:
            self._due[f"chore:{chore.name}"] = self._clock() + chore.seconds
            if not chore.is_wanted():
                continue
            # Unanswered until the next request, it is worth nothing: that one asks for the same.
            self._broker.ask_for_chore(chore.name, expires=chore.seconds)

    def _every(self, seconds: float, chore: str, act: Callable[[], object]) -> None:
        if self._is_due(chore):
            self._due[chore] = self._clock() + seconds
            act()

    def _is_due(self, chore: str) -> bool:
        return self._clock() >= self._due.get(chore, 0.0)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # Raised wherever the process is, also in a call to a broker that does not answer. Nothing is lost by it.
    raise SystemExit(0)
