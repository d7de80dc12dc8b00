"""States of a job and the changes between them, as data. No database, no Django.

    queued --> running --> succeeded
      ^  |      |  |  |--> failed
      |  |      |  +-----> cancelled
      |  +------|--------> cancelled
      |         +--------> lost --> failed      (too many attempts)
      +--- again ------------'  '-> cancelled   (a person had asked for it)

`lost` means that the worker of a running job fell silent. It is a passing state: the reaper queues the job
again or gives it up. A job in a terminal state changes only when a person queues it again.
"""

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """Where a job is. The value is what is stored and sent."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def look(self) -> "Look":
        """Word, colour and icon of the state."""
        return LOOKS[self]

    @property
    def is_terminal(self) -> bool:
        """Whether nothing happens to the job any more unless a person retries it."""
        return self in TERMINAL


class Actor(StrEnum):
    """Who may change a job's state."""

    WORKER = "worker"
    REAPER = "reaper"
    PERSON = "person"


@dataclass(frozen=True)
class Look:
    """How a state is shown, always together: an English word, a colour token, a heroicon."""

    label: str
    colour: str
    icon: str


# The colours of the stages (blue, amber, green, grey) belong to the stages alone.
LOOKS: dict[JobState, Look] = {
    JobState.QUEUED: Look("Queued", "slate", "clock"),
    JobState.RUNNING: Look("Running", "cyan", "arrow-path"),
    JobState.SUCCEEDED: Look("Succeeded", "teal", "check-circle"),
    JobState.FAILED: Look("Failed", "red", "x-circle"),
    JobState.CANCELLED: Look("Cancelled", "stone", "no-symbol"),
    JobState.LOST: Look("Lost", "orange", "signal-slash"),
}

#: The one table of changes and who may make them; what is not in it is refused.
TRANSITIONS: dict[tuple[JobState, JobState], frozenset[Actor]] = {
    (JobState.QUEUED, JobState.RUNNING): frozenset({Actor.WORKER}),
    (JobState.QUEUED, JobState.CANCELLED): frozenset({Actor.PERSON}),
    (JobState.RUNNING, JobState.SUCCEEDED): frozenset({Actor.WORKER}),
    (JobState.RUNNING, JobState.FAILED): frozenset({Actor.WORKER}),
    (JobState.RUNNING, JobState.CANCELLED): frozenset({Actor.WORKER}),
    # A fault that a later attempt may not meet, or a worker that is shutting down.
    (JobState.RUNNING, JobState.QUEUED): frozenset({Actor.WORKER}),
    (JobState.RUNNING, JobState.LOST): frozenset({Actor.REAPER}),
    (JobState.LOST, JobState.QUEUED): frozenset({Actor.REAPER, Actor.PERSON}),
    (JobState.LOST, JobState.FAILED): frozenset({Actor.REAPER}),
    # Only the reaper, which first ends what the lost attempt left behind.
    (JobState.LOST, JobState.CANCELLED): frozenset({Actor.REAPER}),
    (JobState.FAILED, JobState.QUEUED): frozenset({Actor.PERSON}),
    (JobState.CANCELLED, JobState.QUEUED): frozenset({Actor.PERSON}),
}

TERMINAL: frozenset[JobState] = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
ACTIVE: frozenset[JobState] = frozenset(JobState) - TERMINAL


def can(source: JobState | str, target: JobState | str, by: Actor | str | None = None) -> bool:
    """Return whether a job may go from `source` to `target`.

    :param by: who wants it; None asks whether anybody may
    :raises ValueError: one of them is not the value of a `JobState` or `Actor`
    """
    actors = TRANSITIONS.get((JobState(source), JobState(target)), frozenset())
    return bool(actors) if by is None else Actor(by) in actors


def sources(target: JobState | str, by: Actor | str) -> tuple[JobState, ...]:
    """Return the states from which `by` may bring a job to `target`: the condition of a conditional UPDATE.

    :raises ValueError: one of them is not the value of a `JobState` or `Actor`
    """
    return tuple(state for state in JobState if can(state, target, by))
