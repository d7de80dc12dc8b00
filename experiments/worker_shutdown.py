"""How a worker process ends while a job runs in it: first the job goes back to the queue, then the process.

A supervisor (a process manager, a container runtime, systemd) asks with SIGTERM and kills soon after.
Celery's own answer is to wait for the task, which may take hours, or to let the pool process die, which
leaves the job to the reaper. Here the pool process learns of it through a flag, which the running job looks
at twice a second.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import psutil

EXIT_DELAY = 1.0  # seconds

_requested = False
_listening = False
_interruption: Callable[[], Exception | None] | None = None


def requested() -> bool:
    """Return whether this process has been asked to end while it is busy."""
    return _requested


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """Mark the time in which SIGTERM must not simply end this process; then the answer is the old one again.

    The pool sets its handlers after Celery's signal that a pool process is ready, so there is no earlier time
    to take over. Outside the main thread (in tests) signals are left alone.
    """
    global _requested, _listening
    with contextlib.ExitStack() as handlers:
        if threading.current_thread() is threading.main_thread():
            handlers.enter_context(_handler(signal.SIGTERM, _terminate))
            handlers.enter_context(_handler(signal.SIGALRM, _interrupt))
            _listening = True
        try:
            yield
        finally:
            _listening = False
    if _requested:
        _requested = False
        _exit_soon()


@contextlib.contextmanager
def interruptible(reason: Callable[[], Exception | None]) -> Iterator[None]:
    """Mark the time in which `interrupt` raises what `reason` returns, in the main thread."""
    global _interruption
    _interruption = reason
    try:
        yield
    finally:
        _interruption = None


def interrupt() -> None:
    """Raise the reason to stop inside the runner, which may be waiting in a system call. From any thread."""
    main = threading.main_thread().ident
    if _listening and main is not None:
        signal.pthread_kill(main, signal.SIGALRM)


def tell_children() -> None:
    """Pass SIGTERM on to the pool processes: their main process may be the only one that got it."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()


@contextlib.contextmanager
def _handler(number: int, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    previous = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL if previous is None else previous)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    global _requested
    _requested = True


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _interruption
    error = _interruption() if _interruption is not None else None
    if error is not None:
        _interruption = None  # once: what the runner does on its way out must not be interrupted again
        raise error


def _exit_soon() -> None:
    # Later, so that Celery still learns that the task is over. A worker that is stopping has ended this
    # process by then; otherwise it starts another one in its place.
    timer = threading.Timer(EXIT_DELAY, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()
