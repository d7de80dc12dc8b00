"""Windows of a job's log."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q

from experiments import job_logs
from experiments.log_levels import ERROR_WORDS, Level, level_of
from experiments.models import Job, JobLog

TAIL = 500
WINDOW = 1000
# Batches that may hold an error and turn out to hold none, before we stop looking.
_CANDIDATES = 20


@dataclass(frozen=True)
class Line:
    """One line of output and what it is about."""

    number: int
    text: str
    level: Level


@dataclass(frozen=True)
class Window:
    """Consecutive lines of a log.

    :ivar total: number of the last line there is
    :ivar skipped: lines left out between what was asked for and what this begins with
    """

    lines: list[Line]
    first: int
    last: int
    total: int
    skipped: int = 0

    @property
    def earlier(self) -> int:
        """The line with which the window before this one begins; 0 if this one begins with line 1."""
        return max(1, self.first - WINDOW) if self.first > 1 else 0

    @property
    def before(self) -> int:
        """How many lines come before this window."""
        return self.first - 1

    @property
    def skipped_from(self) -> int:
        """Number of the first line that was left out."""
        return self.first - self.skipped

    @property
    def later(self) -> int:
        """The line with which the window after this one begins; 0 if this one reaches the end."""
        return self.last + 1 if self.last < self.total else 0


def tail(job: Job, limit: int = TAIL) -> Window:
    """Return the last `limit` lines. Two queries."""
    total = job_logs.next_line(job) - 1
    return _window(job, max(0, total - limit), limit, total)


def window(job: Job, first: int) -> Window:
    """Return lines from number `first` on; beyond the end, the last ones. Two queries."""
    total = job_logs.next_line(job) - 1
    return _window(job, max(0, min(first, total) - 1), WINDOW, total)


def news(job: Job, after: int) -> Window:
    """Return what came after line `after`; of very many lines only the last. Two queries."""
    total = job_logs.next_line(job) - 1
    start = max(after, total - WINDOW)
    found = _window(job, start, WINDOW, total)
    return Window(found.lines, found.first, found.last, found.total, skipped=start - after)


def first_error(job: Job) -> int | None:
    """Return the number of the first line of the last attempt that looks like an error. One query."""
    words = Q()
    for word in ERROR_WORDS:
        words |= Q(text__contains=word)
    batches = job.log.filter(words, attempt=job.attempt).order_by("first_line")
    for batch in batches[:_CANDIDATES]:
        for line in _lines(batch.first_line, batch.text.split("\n")):
            if line.level == "error":
                return line.number
    return None


def text(job: Job) -> Iterator[str]:
    """Yield the whole log as text, batch by batch. One query."""
    for batch in JobLog.objects.filter(job=job).order_by("first_line").iterator(chunk_size=50):
        yield f"{batch.text}\n"


def _window(job: Job, after: int, limit: int, total: int) -> Window:
    found = job_logs.read(job, after, limit)
    # Lines may have come between the two queries.
    return Window(list(_lines(found.first, found.lines)), found.first, found.last, max(total, found.last))


def _lines(first: int, texts: list[str]) -> Iterator[Line]:
    for number, line in enumerate(texts, start=first):
        yield Line(number, line, level_of(line))
