"""Runs a command so that nothing of it survives: not a cancel, a time limit, or SIGKILL of the worker."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from integrations import launcher
from integrations.errors import IntegrationError
from integrations.output_lines import LineSplitter
from integrations.process_sweep import MARKER_VARIABLE, checked_marker, kill_marked, kill_session

__all__ = ["MARKER_VARIABLE", "Finished", "kill_marked", "run"]

POLL_SECONDS = 0.5
CHUNK_BYTES = 65_536
PATIENCE_SECONDS = 10.0  # for the launcher to end after the time that it had for its own work
END = -1
DRAIN_SECONDS = 2.0  # for the rest of the output when the launcher is gone and others hold the pipe open


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: exit status (negative: signal number), why it was stopped, and seconds it took."""

    returncode: int
    cancelled: bool
    timed_out: bool
    seconds: float


def _never() -> bool:
    return False


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
    should_stop: Callable[[], bool] = _never,
    on_start: Callable[[int], None] | None = None,
    time_limit: float | None = None,
    grace: float = 20.0,
    marker: str = "",
    stdout_to: Path | None = None,
) -> Finished:
    """Run a program to its end and return only when no process that it started is left.

    Parameters
    ----------
    argv:
        Program and arguments; no shell. The program is searched in ``env["PATH"]``.
    cwd, env:
        Working directory and the whole environment; nothing of the caller's is added but the marker.
    on_line:
        Called in this thread with each line of the merged standard output and error (see
        :class:`LineSplitter`). What this or ``should_stop`` raises kills the command and is passed on.
    should_stop:
        Asked at least once a second, also when the command is silent; ``True`` stops the command.
    on_start:
        Called once with the command's process group id.
    time_limit:
        Seconds after which the command is stopped; ``None``: no limit.
    grace:
        Seconds between TERM and KILL when stopped. If the caller itself dies, KILL follows at once.
    marker:
        Written to the environment as ``STAGEGATE_JOB``, so that :func:`kill_marked` finds what is left
        after even the launcher was killed; made up if empty.
    stdout_to:
        File that receives standard output unchanged; then only standard error is passed to ``on_line``.

    A program that cannot be started gives return code 127 (not found) or 126 and one line that says why.
    A launcher that cannot be started raises :class:`IntegrationError` (not permanent).
    """
    marker = checked_marker(marker or secrets.token_hex(16))
    request = {
        "argv": [*argv],
        "cwd": str(cwd),
        "env": {**env, MARKER_VARIABLE: marker},
        "grace": grace,
        "parent": os.getpid(),
    }
    with _launch(request, marker, stdout_to) as session:
        if on_start is not None:
            on_start(session.group)
        session.watch(LineSplitter(on_line), should_stop, time_limit, grace)
    return session.result()


class _Session:
    """One started launcher, from the caller's side."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], status: IO[bytes]) -> None:
        self.process = process
        self.output = output
        self.status = status
        self.started = time.monotonic()
        self.ended = self.started
        self.group = 0
        self.returncode = -signal.SIGKILL
        self.cancelled = False
        self.timed_out = False
        self._stopped_at: float | None = None

    def watch(
        self,
        lines: LineSplitter,
        should_stop: Callable[[], bool],
        time_limit: float | None,
        grace: float,
    ) -> None:
        """Pass the output on until it ends, and ask the launcher to stop when that is due."""
        next_poll = 0.0
        while self._read(lines, wait=POLL_SECONDS) != END:
            now = time.monotonic()
            if now < next_poll:
                continue
            next_poll = now + POLL_SECONDS
            self._stop_if_due(now, should_stop, time_limit)
            if self._launcher_is_gone() or self._is_overdue(now, grace):
                self._drain(lines)
                break
        lines.close()

    def _read(self, lines: LineSplitter, *, wait: float) -> int:
        """Pass on what is there now; return how many bytes, or END."""
        if not select.select([self.output], [], [], wait)[0]:
            return 0
        chunk = os.read(self.output.fileno(), CHUNK_BYTES)
        lines.feed(chunk)
        return len(chunk) or END

    def _drain(self, lines: LineSplitter) -> None:
        # An escaped process may hold the pipe open or even fill it, so its end is not waited for.
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until and self._read(lines, wait=0) > 0:
            pass

    def _stop_if_due(self, now: float, should_stop: Callable[[], bool], time_limit: float | None) -> None:
        if self._stopped_at is not None:
            return
        self.cancelled = should_stop()
        self.timed_out = not self.cancelled and time_limit is not None and now - self.started >= time_limit
        if self.cancelled or self.timed_out:
            self._stopped_at = now
            self.write(b"stop")

    def _is_overdue(self, now: float, grace: float) -> bool:
        limit = grace + launcher.KILL_LIMIT + PATIENCE_SECONDS
        return self._stopped_at is not None and now - self._stopped_at > limit

    def _launcher_is_gone(self) -> bool:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT  # not reaped: its process id must not be reused yet
        return os.waitid(os.P_PID, self.process.pid, options) is not None

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.write(data)
                self.process.stdin.flush()

    def read_group(self) -> None:
        line = self.status.readline()
        if not line:
            raise IntegrationError("The launcher of the command could not be started.", permanent=False)
        self.group = int(line)

    def end(self, marker: str) -> None:
        """Make sure that nothing is left, and collect the launcher. Safe to call in any state."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()  # tells a launcher that still runs to kill everything
        try:
            self.process.wait(launcher.KILL_LIMIT + PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.ended = time.monotonic()
        line = self.status.readline()
        if line:
            self.returncode = int(line)
        elif self.group:
            kill_session(self.group)  # the launcher was killed before it could do it
        kill_marked(marker)

    def result(self) -> Finished:
        return Finished(self.returncode, self.cancelled, self.timed_out, self.ended - self.started)


@contextlib.contextmanager
def _launch(request: Mapping[str, object], marker: str, stdout_to: Path | None) -> Iterator[_Session]:
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        status = stack.enter_context(os.fdopen(read_end, "rb"))
        try:
            target = subprocess.PIPE if stdout_to is None else stack.enter_context(stdout_to.open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", launcher.__file__, str(write_end)],
                stdin=subprocess.PIPE,
                stdout=target,
                stderr=subprocess.STDOUT if stdout_to is None else subprocess.PIPE,
                cwd="/",
                env=_launcher_environment(marker),
                start_new_session=True,
                pass_fds=[write_end],
            )
        finally:
            os.close(write_end)
        output = process.stdout or process.stderr
        assert output is not None  # noqa: S101 - one of the two is a pipe
        stack.enter_context(output)
        session = _Session(process, output, status)
        try:
            session.write(json.dumps(request).encode("ascii") + b"\n")
            session.read_group()
            yield session
        finally:
            session.end(marker)


def _launcher_environment(marker: str) -> dict[str, str]:
    # Some builds of Python find their own shared library only by this variable.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, MARKER_VARIABLE: marker}
