"""Runs one command and ends only when nothing of it is left. Linux, standard library only.

:mod:`integrations.process_group` starts this file as ``python -I -S launcher.py <status fd>``. The chain is

    caller (a worker)  --->  launcher (this file)  --->  command  --->  whatever the command starts

and each link is held twice. The launcher reads a pipe that only the caller holds open and has a
parent-death signal, so it learns of the caller's death even by SIGKILL. It is the "child subreaper" of
everything below it: a process that leaves the group, the session or its parent still becomes the launcher's
child, so "no child left" (ECHILD) proves that nothing is left, whatever the processes did to their
environment. Should the launcher itself be killed, the command has a parent-death signal and the caller
sweeps /proc by session and marker.

Protocol: standard input carries one JSON line (argv, cwd, env, grace in seconds, parent), then any byte means
"stop" and the end of input means "the caller is dead". The status descriptor carries the process id of the
command, which is also its process group and session, and at the end its exit status (negative: signal).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
KILL_LIMIT = 30.0  # seconds; a process in uninterruptible sleep must not hold the worker for ever
WAKE_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    status_fd = int(sys.argv[1])
    os.set_inheritable(status_fd, False)
    request, stop_at_once = _read_request()
    wake = _catch_signals()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != request["parent"]:
        return  # the caller died before the parent-death signal was set
    command = _start(request)
    _report(status_fd, command)
    supervisor = _Supervisor(command, wake, float(request["grace"]))
    if stop_at_once:
        supervisor.terminate()
    _report(status_fd, supervisor.run())


def _read_request() -> tuple[dict[str, Any], bool]:
    """Return the request and whether a request to stop came along with it."""
    received = bytearray()
    while b"\n" not in received:
        chunk = os.read(0, 65_536)
        if not chunk:
            sys.exit(1)
        received += chunk
    line, _, stop = received.partition(b"\n")
    return json.loads(line), bool(stop)


def _report(descriptor: int, value: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, b"%d\n" % value)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _catch_signals() -> int:
    """Return a descriptor from which the numbers of the signals that arrived can be read."""
    wake, feed = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(feed, False)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in WAKE_SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(feed, warn_on_full_buffer=False)
    return wake


def _start(request: dict[str, Any]) -> int:
    launcher = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        _become(request, launcher)
    except (OSError, ValueError) as error:
        os.write(2, f"cannot start {request['argv'][0]!r}: {error}\n".encode(errors="replace"))
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    finally:
        os._exit(125)


def _become(request: dict[str, Any], launcher: int) -> None:
    signal.set_wakeup_fd(-1)
    # All of them: a worker that was started in the background ignores some, and so would the command.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()  # a command that signals its own group must not reach the launcher
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        os._exit(125)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(request["cwd"])
    os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - a shell is what we avoid


class _Supervisor:
    """Waits for the command, stops it when asked, and removes every descendant.

    Parameters: process id of the command, descriptor with signal numbers, grace between TERM and KILL (s).
    """

    def __init__(self, command: int, wake: int, grace: float) -> None:
        self.command = command
        self.wake = wake
        self.grace = grace
        self.exit_status: int | None = None
        self.deadline: float | None = None
        self.childless = False

    def run(self) -> int:
        caller_lives = True
        while caller_lives and not self._finished():
            caller_lives = self._wait()
            self._reap()
        self._kill_descendants()
        return -signal.SIGKILL if self.exit_status is None else self.exit_status

    def _finished(self) -> bool:
        if self.childless:
            return True
        if self.deadline is not None:  # being stopped: the others get their grace, too
            return time.monotonic() >= self.deadline
        return self.exit_status is not None

    def _wait(self) -> bool:
        """Sleep until something happens; return whether the caller still lives."""
        timeout = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        readable, _, _ = select.select([0, self.wake], [], [], timeout)
        signals = os.read(self.wake, 4096) if self.wake in readable else b""
        if signal.SIGHUP in signals:
            return False
        if 0 in readable and not os.read(0, 64):
            return False
        if 0 in readable or signal.SIGTERM in signals or signal.SIGINT in signals:
            self.terminate()
        return True

    def terminate(self) -> None:
        """Ask everything to end; after the grace it will be killed. A second request changes nothing."""
        if self.deadline is not None:
            return
        self.deadline = time.monotonic() + self.grace
        for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process could not act on TERM
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.command, number)
            for pid in descendants(os.getpid()):
                if process_numbers(pid).group != self.command:
                    _signal(pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.childless = True
                return
            if pid == 0:
                return
            if pid == self.command:
                self.exit_status = os.waitstatus_to_exitcode(status)

    def _kill_descendants(self) -> None:
        give_up = time.monotonic() + KILL_LIMIT
        self._reap()
        while not self.childless and time.monotonic() < give_up:
            for pid in descendants(os.getpid()):
                _signal(pid, signal.SIGKILL)
            time.sleep(0.01)
            self._reap()


class ProcessNumbers(NamedTuple):
    """Parent, process group and session of a process; all -1 when it is dead, collected or not."""

    parent: int
    group: int
    session: int


NOBODY = ProcessNumbers(-1, -1, -1)


def descendants(root: int) -> list[int]:
    """Return the process ids below ``root``, parents first, read from /proc."""
    children: dict[int, list[int]] = {}
    for pid in process_ids():
        children.setdefault(process_numbers(pid).parent, []).append(pid)
    found = list(children.get(root, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def process_ids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208 - one system call


def process_numbers(pid: int) -> ProcessNumbers:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read thousands of times
            state, *numbers = file.read().rpartition(b")")[2].split()[:4]  # the name may contain anything
    except OSError:
        return NOBODY
    return NOBODY if state in b"ZX" else ProcessNumbers(*(int(number) for number in numbers))


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


if __name__ == "__main__":
    main()
