"""What the reconciler remembers from pass to pass: how every model looked when it was last compared."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from experiments.models import SyncState

NAME = "reconcile"
#: Seconds after which everything is read again, whether MLflow says that it changed or not.
EVERYTHING_EVERY = 300.0
#: How many names with problems are kept to be shown, and how much of each.
SHOWN = 50
_LONGEST = 300


@dataclass
class State:
    """The memory of the reconciler.

    :ivar seen: model -> how it looked
    :ivar problems: model -> what people should know about it
    :ivar last: the model that was compared last
    :ivar everything_at: when all was forgotten, seconds since the epoch
    """

    seen: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    last: str = ""
    everything_at: float = 0.0
    _stored: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, *, everything: bool) -> "State":
        """Return what the last pass left; without what it saw if all is to be read again."""
        row = SyncState.objects.get_or_create(name=NAME)[0]
        stored = row.counts if isinstance(row.counts, dict) else {}
        state = cls(
            seen=dict(stored.get("seen", {})),
            problems=dict(stored.get("problems", {})),
            last=str(stored.get("last", "")),
            everything_at=float(stored.get("everything_at", 0.0)),
            _stored=stored,
        )
        if everything or not 0 <= time.time() - state.everything_at < EVERYTHING_EVERY:
            state.seen, state.everything_at = {}, time.time()
        return state

    def save(self, complete: bool) -> None:
        """Keep it for the next pass.

        :param complete: whether MLflow and our database have been compared in full
        """
        stored = {
            "seen": self.seen,
            "problems": self.problems,
            "last": self.last,
            "everything_at": self.everything_at,
        }
        changes: dict[str, Any] = {} if stored == self._stored else {"counts": stored}
        if complete:
            changes["reconciled_at"] = timezone.now()
        if changes:
            SyncState.objects.filter(name=NAME).update(**changes)

    def in_turn(self, names: Collection[str]) -> list[str]:
        """Return `names` in the order in which they are compared: those after the last one first."""
        ordered = sorted(names)
        return [name for name in ordered if name > self.last] + [
            name for name in ordered if name <= self.last
        ]

    def is_known(self, name: str, mark: str) -> bool:
        """Say whether the model looked the same when it was compared."""
        return self.seen.get(name) == mark

    def know(self, name: str, mark: str, problems: list[str]) -> None:
        """Note that the model was compared, and what people should know about it."""
        self.seen[name], self.last = mark, name
        self.problems.pop(name, None)
        if problems and len(self.problems) < SHOWN:
            self.problems[name] = [problem[:_LONGEST] for problem in problems[:SHOWN]]

    def unknown(self, name: str) -> None:
        """Note that the model has to be read again."""
        self.seen.pop(name, None)
        self.last = name

    def forget(self, names: Collection[str]) -> None:
        """Forget the models that are not among `names`."""
        for kept in (self.seen, self.problems):
            for name in [name for name in kept if name not in names]:
                del kept[name]


def refused() -> list[str]:
    """Return the sentences (English) about what could not be adopted from MLflow. One query."""
    counts = SyncState.objects.filter(name=NAME).values_list("counts", flat=True).first() or {}
    return [problem for problems in counts.get("problems", {}).values() for problem in problems][:SHOWN]
