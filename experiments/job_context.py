"""What a runner sees of its job: input, folder, log, steps, and whether it should stop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from integrations import process_group


class Stopped(Exception):  # noqa: N818 - not an error of the job: it has been told to stop
    """The job should stop now; runners let it pass."""


class Cancelled(Stopped):
    """A person asked for the job to be cancelled."""


class LostLease(Stopped):
    """Another attempt took over (or the job was given up): nothing may be written any more."""


class Released(Stopped):
    """The worker is shutting down; the job goes back to the queue."""


class TimedOut(Stopped):
    """The attempt took longer than its kind may."""


class LogSink(Protocol):
    """Where a job's output lines go."""

    def write(self, text: str) -> None:
        """Append the lines of `text`."""


class Board(Protocol):
    """Where a job's steps and message are shown."""

    def set_steps(self, names: Sequence[str]) -> None:
        """Replace the steps by `names`, all waiting."""

    def set_step(self, name: str, state: str) -> None:
        """Put one step into `state`."""

    def set_message(self, text: str) -> None:
        """Replace the one-line message."""


class Watch(Protocol):
    """Knows whether the job should stop."""

    def reason(self) -> Stopped | None:
        """Return why the job should stop, or None; does no I/O."""


@dataclass(frozen=True)
class JobContext:
    """Handed to every runner.

    :ivar job_id: primary key of the job
    :ivar attempt: the claimed attempt, counting from 1
    :ivar payload: the JSON given at submission
    :ivar workspace: a fresh folder of this attempt, removed afterwards
    :ivar marker: names this attempt on this host; hand it to `integrations.process_group`
    :ivar submitted_by: user name of the submitter
    :ivar time_limit: seconds the attempt may take in all; the engine stops it then
    """

    job_id: int
    attempt: int
    payload: dict[str, Any]
    workspace: Path
    marker: str
    submitted_by: str
    time_limit: float
    sink: LogSink
    board: Board
    watch: Watch

    def log(self, text: str) -> None:
        """Append the lines of `text` to the job's log; buffered, never blocks for the database for long."""
        self.sink.write(text)

    def steps(self, names: Sequence[str]) -> None:
        """Show `names` as the job's steps, all of them waiting."""
        self.board.set_steps(names)

    def step(self, name: str, state: str) -> None:
        """Put step `name` (added at the end if new) into `state`: waiting, running, done, skipped, failed.

        Putting a step to `running` completes nothing else; say `done` for the one before.
        """
        self.board.set_step(name, state)

    @contextlib.contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """Show step `name` as running within, and as done behind it; an error leaves it as it is.

        :raises Stopped: the job should stop; the step is not begun
        """
        self.check()
        self.step(name, "running")
        yield
        self.step(name, "done")

    def message(self, text: str) -> None:
        """Show one short line about what goes on now."""
        self.board.set_message(text)

    def should_stop(self) -> bool:
        """Return whether the job should stop; cheap enough to be asked many times a second.

        Made to be handed to `integrations` as their `should_stop`: a job that was cancelled or ran out of
        time gets True, so that its programs are asked to end; one that must be gone at once gets an
        exception, on which its programs are killed.

        :raises LostLease: another attempt may start any moment
        :raises Released: the worker is shutting down
        """
        reason = self.watch.reason()
        if isinstance(reason, LostLease | Released):
            raise reason
        return reason is not None

    def check(self) -> None:
        """Raise `Cancelled`, `TimedOut`, `LostLease` or `Released` when the job should stop; else return."""
        reason = self.watch.reason()
        if reason is not None:
            raise reason

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        time_limit: float | None = None,
    ) -> process_group.Finished:
        """Run a program with its output in the job's log; nothing of it is left when this returns.

        :param env: the whole environment; nothing of the worker's is added but the marker
        :param cwd: working directory; the workspace if left out
        :param on_line: receives the output lines instead of the log
        :param time_limit: seconds for this program, besides the limit of the attempt
        :return: return code and whether this program ran into its own limit
        :raises Stopped: the job should stop; the program has been ended
        """
        finished = process_group.run(
            argv,
            cwd=cwd or self.workspace,
            env=env,
            on_line=on_line or self.log,
            should_stop=self.should_stop,
            time_limit=time_limit,
            grace=settings.JOB_CANCEL_GRACE,
            marker=self.marker,
        )
        self.check()
        return finished
