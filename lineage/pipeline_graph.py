"""Rules: which stage reads what another makes, and in which order stages run. No database.

A stage depends on another if it reads one of the other's outputs, something inside of one, or a folder that
holds one:

    prepare --data/prepared--> train --model.pkl--> evaluate
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A stage by what matters here; paths are relative to the repository."""

    inputs: Collection[str]
    outputs: Collection[str]


@dataclass(frozen=True)
class Order:
    """Places of stages in the order in which they run; `circular` are those that wait for each other."""

    sequence: tuple[int, ...]
    circular: frozenset[int]


def edges(nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Return who makes what for whom, as sorted pairs of places in `nodes`; never from a stage to itself."""
    exactly: dict[str, set[int]] = {}
    below: dict[str, set[int]] = {}
    for place, node in enumerate(nodes):
        for path in node.outputs:
            exactly.setdefault(path, set()).add(place)
            for folder in folders(path):
                below.setdefault(folder, set()).add(place)
    found: set[tuple[int, int]] = set()
    for place, node in enumerate(nodes):
        for path in node.inputs:
            makers = set(below.get(path, ()))
            for one in (path, *folders(path)):
                makers |= exactly.get(one, set())
            found |= {(maker, place) for maker in makers if maker != place}
    return sorted(found)


def order(count: int, pairs: Sequence[tuple[int, int]]) -> Order:
    """Return the order of `count` stages: each after those it waits for, else as they are given.

    Stages of a circle, and those that wait for one, come last; only the former are `circular`.
    """
    sequence = _sorted(count, pairs)
    left = frozenset(range(count)).difference(sequence)
    if not left:
        return Order(tuple(sequence), frozenset())
    # Taking away what nobody in the rest waits for leaves the circles and the ways between them.
    backwards = [(after, before) for before, after in pairs if before in left and after in left]
    free = set(_sorted(count, backwards))
    return Order((*sequence, *sorted(left)), left - free)


def downstream(starts: Collection[int], pairs: Sequence[tuple[int, int]]) -> set[int]:
    """Return `starts` and everything that waits for them; ends in circles, too."""
    following: dict[int, list[int]] = {}
    for before, after in pairs:
        following.setdefault(before, []).append(after)
    reached, waiting = set(starts), list(starts)
    while waiting:
        for after in following.get(waiting.pop(), ()):
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    return reached


def folders(path: str) -> Iterator[str]:
    """Return the folders that hold a path, the nearest first."""
    folder = posixpath.dirname(path)
    while folder not in ("", "/"):
        yield folder
        shorter = posixpath.dirname(folder)
        if shorter == folder:
            return
        folder = shorter


def _sorted(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    waits = [0] * count
    following: dict[int, list[int]] = {}
    for before, after in pairs:
        waits[after] += 1
        following.setdefault(before, []).append(after)
    ready = [place for place in range(count) if not waits[place]]
    sequence = []
    for place in ready:  # grows while it is walked through
        sequence.append(place)
        for after in following.get(place, ()):
            waits[after] -= 1
            if not waits[after]:
                ready.append(after)
    return sequence
