"""Chores for tests."""

from collections.abc import Callable

#: What was called, in order.
calls: list[str] = []
#: What `count` does besides, if anything.
inside: list[Callable[[], object]] = []


def count() -> None:
    """Note the call."""
    calls.append("count")
    for act in inside:
        act()


def fail() -> None:
    """Raise what a chore may raise."""
    raise RuntimeError("the disk is full")
