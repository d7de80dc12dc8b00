"""The kinds of jobs, as data: what a kind is called, where its code is, and how often it may be tried.

Every app registers its kinds in `AppConfig.ready`. The target stays text until a worker resolves it, so the
web process knows every kind without importing the code (and the libraries) that runs it. A runner is

    def run(context: JobContext) -> Outcome

It returns what it did, raises `IntegrationError` (`permanent=False`: try again later), and lets
`experiments.job_context.Stopped` pass. An attempt may be cut off at any point and the job tried again, so a
runner must be idempotent.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accounts.roles import Permission

if TYPE_CHECKING:
    from experiments.job_context import JobContext


class UnknownKindError(LookupError):
    """No application registered this kind of job."""


@dataclass(frozen=True)
class FollowUp:
    """A job to be submitted in the transaction that finishes the job which asked for it.

    :param kind: registered kind
    :param payload: its JSON payload
    :param key_suffix: distinguishes several follow-ups of one kind; the key is ``<job>:<kind><key_suffix>``
    """

    kind: str
    payload: dict[str, Any]
    key_suffix: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a successful runner hands back.

    :param result: JSON facts about what was done; becomes `Job.result`
    :param then: jobs to submit together with the finish, as the same submitter and child of this job
    """

    result: dict[str, Any] = field(default_factory=dict)
    then: tuple[FollowUp, ...] = ()


Runner = Callable[["JobContext"], Outcome]


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    :param name: what `Job.kind` holds
    :param label: what a person reads
    :param target: ``module:function`` of the runner
    :param queue: Celery queue
    :param max_attempts: claims before a failing or vanishing job is given up
    :param time_limit: seconds one attempt may take; None means `settings.JOB_TIME_LIMIT`
    :param permission: what a person needs to submit or retry such a job
    :param backoff: seconds to wait after the first, second, ... attempt; the last one repeats
    :param steps: names of the steps shown from the start, when they do not depend on the payload
    :param limited: whether its repository may limit how many of them run at a time (`job_queue`)
    """

    name: str
    label: str
    target: str
    queue: str = "jobs"
    max_attempts: int = 2
    time_limit: int | None = None
    permission: Permission = Permission.JOB_SUBMIT
    backoff: tuple[int, ...] = (2, 5, 15, 30, 60)
    steps: tuple[str, ...] = ()
    limited: bool = False

    def delay(self, attempt: int) -> int:
        """Return the seconds to wait after failed attempt number `attempt` (counting from 1)."""
        return self.backoff[min(max(attempt, 1), len(self.backoff)) - 1]

    def load(self) -> Runner:
        """Import and return the runner; only a worker does this."""
        module, _, function = self.target.partition(":")
        runner: Runner = getattr(importlib.import_module(module), function)
        return runner


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add `kind`; registering an equal kind again changes nothing.

    :raises ValueError: the name is taken by another kind
    """
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"The job kind {kind.name!r} is registered already.")


def get(name: str) -> Kind:
    """Return the kind called `name`.

    :raises UnknownKindError: nobody registered it
    """
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKindError(f"There is no job kind {name!r}.") from None


def all_kinds() -> list[Kind]:
    """Return every registered kind, ordered by name."""
    return sorted(_kinds.values(), key=lambda kind: kind.name)
