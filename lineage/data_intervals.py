"""Rules: since when and until when data had which content along a line of commits. No database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A stretch of commits that had one content.

    :ivar since: the commit that brought it
    :ivar until: the one that had another, or none; empty: it is current
    """

    hash: str
    since: str
    until: str = ""


def of(line: Iterable[tuple[str, str | None]]) -> list[Interval]:
    """Return the stretches of a line, the newest first.

    :param line: SHA and hash of every commit, ancestors first; the hash is empty where there was no such
        data, None where nobody could read what there was, so that nothing is said to have changed
    """
    found: list[Interval] = []
    here = Interval("", "")
    for sha, value in line:
        if value is None or value == here.hash:
            continue
        if here.hash:
            found.append(Interval(here.hash, here.since, sha))
        here = Interval(value, sha)
    if here.hash:
        found.append(here)
    return found[::-1]


def first_parents(tip: str, parents: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a commit and its first parents as far as they are known, ancestors first; a circle ends."""
    found: dict[str, None] = {}
    sha = tip
    while sha in parents and sha not in found:
        found[sha] = None
        sha = next(iter(parents[sha]), "")
    return list(found)[::-1]
