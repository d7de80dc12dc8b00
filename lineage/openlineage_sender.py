"""Sends OpenLineage events from a thread of its own, so that whoever hands them in does not wait.

The thread ends with its process, so who is about to end flushes the queue first. What cannot be sent is
dropped: the receiver is a view of what happened here, not the record of it. A receiver that is away costs a
bounded number of attempts, then nothing for a while (the circuit is open).
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

logger = logging.getLogger(__name__)

PATH = "/api/v1/lineage"
TIMEOUT = (2.0, 3.0)  # seconds to connect, and for the answer
TRIES = 2
PAUSE = 0.5  # seconds between them
WAITING = 1_000  # events
FAILURES = 3  # in a row, after which the circuit opens
OPEN_SECONDS = 60.0


@dataclass
class Sender:
    """A queue and the thread that empties it.

    :ivar url: address of the receiver, to which `PATH` is added
    :ivar key: sent as a bearer token if there is one
    """

    url: str
    key: str = ""
    clock: Callable[[], float] = time.monotonic
    pause: float = PAUSE
    failures: int = 0
    open_until: float = 0.0
    dropped: int = 0
    behind: bool = False
    waiting: queue.Queue[dict[str, Any]] = field(default_factory=lambda: queue.Queue(WAITING))

    def __post_init__(self) -> None:
        self.process = os.getpid()
        threading.Thread(target=self._work, name="openlineage", daemon=True).start()

    def put(self, event: dict[str, Any]) -> None:
        """Take an event to be sent; it is dropped where too many wait. Returns at once."""
        try:
            self.waiting.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def flush(self, seconds: float) -> bool:
        """Wait until what was put is sent or dropped, `seconds` at most; return whether it is.

        Once the receiver was too slow for that, nobody waits again before it has taken an event.
        """
        if self.behind:
            return False
        with self.waiting.all_tasks_done:
            done = self.waiting.all_tasks_done.wait_for(lambda: not self.waiting.unfinished_tasks, seconds)
        self.behind = not done
        return done

    def _work(self) -> None:
        with requests.Session() as session:
            if self.key:
                session.headers["Authorization"] = f"Bearer {self.key}"
            while True:
                event = self.waiting.get()
                try:
                    self._send(session, event)
                finally:
                    self.waiting.task_done()

    def _send(self, session: requests.Session, event: dict[str, Any]) -> None:
        if self.clock() < self.open_until:
            self.dropped += 1
            return
        for number in range(TRIES):
            if number:
                time.sleep(self.pause)
            problem = self._post(session, event)
            if not problem:
                self.failures, self.behind = 0, False
                return
        self.dropped += 1
        self.failures += 1
        logger.warning("An OpenLineage event was not taken: %s", problem)
        if self.failures >= FAILURES:
            self.open_until = self.clock() + OPEN_SECONDS
            logger.warning("No further ones are sent for %s s.", OPEN_SECONDS)

    def _post(self, session: requests.Session, event: dict[str, Any]) -> str:
        """Send an event; return why it was not taken, empty if it was."""
        try:
            answer = session.post(self.url + PATH, json=event, timeout=TIMEOUT, allow_redirects=False)
        except (requests.RequestException, OSError, ValueError) as error:
            return type(error).__name__  # its text may hold the address, with a password in it
        return "" if answer.ok and not answer.is_redirect else f"HTTP {answer.status_code}"


_senders: dict[tuple[str, str], Sender] = {}


def sender(url: str, key: str) -> Sender:
    """Return the sender of this process for a receiver, made on the first call and again after a fork."""
    found = _senders.get((url, key))
    if found is None or found.process != os.getpid():
        found = _senders[url, key] = Sender(url, key)
    return found
