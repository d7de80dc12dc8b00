"""Times of repeated requests, and what is said of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WARM_UP = 2
_REPEATS = 40
# MLflow needs half a minute for some answers: a few of those say enough.
_PATIENCE = 20.0


@dataclass(frozen=True)
class Times:
    """Seconds of each repetition.

    :ivar given_up: the only one was not waited for to its end
    """

    seconds: tuple[float, ...]
    given_up: bool = False

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The one that 95 of 100 do not exceed; the worst of fewer than twenty."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def repeat(act: Callable[[], object]) -> Times:
    """Time `act` until it was done forty times, or took twenty seconds altogether, but at least once.

    Before that it is done twice for nothing, so that caches are warm on either side; an answer that takes
    longer than all that is not waited for again.
    """
    for _ in range(_WARM_UP):
        if (first := _seconds(act)) > _PATIENCE:
            return Times((first,))
    seconds: list[float] = []
    while not seconds or (len(seconds) < _REPEATS and sum(seconds) < _PATIENCE):
        seconds.append(_seconds(act))
    return Times(tuple(seconds))


def in_turns(acts: Sequence[Callable[[], object]]) -> list[Times]:
    """Time several acts, one after the other in each round, so that a busy moment does not meet one alone."""
    for act in acts:
        for _ in range(_WARM_UP):
            act()
    rounds = [[_seconds(act) for act in acts] for _ in range(_REPEATS)]
    return [Times(tuple(column)) for column in zip(*rounds, strict=True)]


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
