"""One writer at a time in a mirror, also when the last one was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from integrations.errors import IntegrationError

STALE_SECONDS = 5.0
RETRY_SECONDS = 0.25


@contextlib.contextmanager
def exclusive(
    repository: Path, time_limit: float, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold the only right to write references of a bare repository; wait at most ``time_limit`` seconds.

    The lock belongs to the kernel and is free as soon as its holder is dead. Git's own lock files are not:
    those that a killed Git command left behind are removed, as nobody else can be writing now.
    """
    descriptor = os.open(repository / "stagegate.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, time.monotonic() + time_limit, should_stop)
        _remove_stale_locks(repository)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, give_up: float, should_stop: Callable[[], bool]) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up or should_stop():
                message = "The repository's mirror is being written by somebody else."
                raise IntegrationError(message, permanent=False) from None
            time.sleep(RETRY_SECONDS)
        else:
            return


def _remove_stale_locks(repository: Path) -> None:
    oldest_alive = time.time() - STALE_SECONDS  # a Git command that outlived its caller ends within moments
    for lock in (*repository.glob("*.lock"), *(repository / "refs").rglob("*.lock")):
        with contextlib.suppress(FileNotFoundError):
            if lock.name != "stagegate.lock" and lock.stat().st_mtime < oldest_alive:
                lock.unlink()
