"""The output of jobs: written in batches by the attempt that runs, read by line number."""

import threading
from collections import deque
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from experiments import log_text
from experiments.job_fence import Fence
from experiments.models import Job, JobLog

BATCH_LINES = 200
MAX_LINES = 100_000
# Of a log that is longer, the end is kept as well: that is where a program says what went wrong.
TAIL_LINES = 200
# More than this waits in memory only while the database does not answer; then the program has to wait, too.
_PENDING_LINES = 20 * BATCH_LINES


class JobLogWriter:
    """Collects the lines of one attempt. `write` may be called by any thread and does no I/O.

    :param fence: whose output it is; once it is lost nothing more is written
    :param next_line: number of the first line to come, counting from 1 over all attempts of the job
    :param room: lines this job may still have before only the tail is kept
    """

    def __init__(self, fence: Fence, next_line: int = 1, *, max_lines: int = MAX_LINES) -> None:
        self._fence = fence
        self._next_line = next_line
        self._room = max(0, max_lines - next_line + 1)
        self._pending: list[str] = []
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._left_out = 0
        self._closed = False
        self._lock = threading.Condition()
        self._flushing = threading.Lock()

    def write(self, text: str) -> None:
        """Append the lines of `text`, cleaned (see `log_text`). After `close` it does nothing."""
        with self._lock:
            for line in log_text.lines(text):
                while len(self._pending) >= _PENDING_LINES and not self._closed:
                    self._lock.wait(1.0)
                self._append(line)

    def flush(self) -> bool:
        """Store what is waiting; return False if the job is no longer this attempt's.

        On a database error nothing is lost: the lines stay for the next call.
        """
        with self._flushing:
            with self._lock:
                lines = list(self._pending)
            if not lines:
                return True
            held = self._store(lines)
            with self._lock:
                del self._pending[: len(lines)]
                self._lock.notify_all()
            return held

    def close(self) -> None:
        """Take no more lines; those of the tail are put where `flush` stores them."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            hidden = self._left_out - len(self._tail)
            if hidden > 0:
                self._pending.append(f"[{hidden} lines are not kept: the log is longer than it may be]")
            self._pending.extend(self._tail)
            self._tail.clear()
            self._lock.notify_all()

    def _append(self, line: str) -> None:
        if self._closed:
            return
        if self._room > 0:
            self._room -= 1
            self._pending.append(line)
        else:
            self._left_out += 1
            self._tail.append(line)

    def _store(self, lines: list[str]) -> bool:
        with transaction.atomic():
            if self._fence.lock() is None:
                return False
            JobLog.objects.bulk_create(self._batches(lines))
        self._next_line += len(lines)
        return True

    def _batches(self, lines: list[str]) -> list[JobLog]:
        now = timezone.now()
        return [
            JobLog(
                job_id=self._fence.job_id,
                attempt=self._fence.attempt,
                first_line=self._next_line + start,
                lines=len(lines[start : start + BATCH_LINES]),
                text="\n".join(lines[start : start + BATCH_LINES]),
                at=now,
            )
            for start in range(0, len(lines), BATCH_LINES)
        ]


@dataclass(frozen=True)
class LogLines:
    """Consecutive lines of a log.

    :ivar first: number of the first line; of an empty answer, where the next one will be
    :ivar last: number of the last line: ask for what comes after it next time
    :ivar more: whether there were further lines already
    """

    first: int
    last: int
    lines: list[str]
    more: bool


def read(job: Job, after_line: int = 0, limit: int = 1000) -> LogLines:
    """Return at most `limit` lines of `job` that come after line `after_line`. One query."""
    batches = job.log.filter(first_line__gt=after_line - BATCH_LINES).order_by("first_line")
    lines: list[str] = []
    for batch in batches[: limit + BATCH_LINES + 1]:
        skip = max(0, after_line + 1 - batch.first_line)
        lines += batch.text.split("\n")[skip:]
        if len(lines) > limit:
            break
    kept = lines[:limit]
    return LogLines(after_line + 1, after_line + len(kept), kept, len(lines) > limit)


def next_line(job: Job) -> int:
    """Return the number that the next line of `job` will have, counting from 1. One query."""
    last: int | None = job.log.aggregate(last=Max(F("first_line") + F("lines")))["last"]
    return 1 if last is None else last
