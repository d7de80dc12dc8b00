"""Rules: what differs between two texts, by line, and by word within lines that were changed."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import islice

CONTEXT = 3
# Comparing takes time by how often pieces of both sides are the same, and again for each block that is found:
# beyond these numbers of equal pairs, a part counts as exchanged as a whole.
_MOST_EQUAL_LINES = 20_000
_MOST_EQUAL_WORDS = 5_000
_MOST_PIECES = 6_000
_MOST_PAIRS = 400
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_SIMILAR = 0.3


class Kind(StrEnum):
    """What happened to a line."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Part:
    """A piece of a line, and whether it differs from the line that it stands against."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Line:
    """One line; `old` and `new` are its numbers, from 1, where it stands in either text."""

    kind: Kind
    parts: tuple[Part, ...]
    old: int | None = None
    new: int | None = None

    @property
    def sign(self) -> str:
        """What stands before it."""
        return {Kind.SAME: " ", Kind.REMOVED: "\N{MINUS SIGN}", Kind.ADDED: "+"}[self.kind]


@dataclass(frozen=True)
class Hunk:
    """Changed lines with the lines around them; `skipped` lines that are the same stand before it."""

    skipped: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Diff:
    """All that differs.

    :ivar skipped: lines that are the same after the last hunk
    """

    hunks: tuple[Hunk, ...]
    skipped: int
    added: int
    removed: int

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.hunks


def of(old: str, new: str) -> Diff:
    """Return what differs between two texts; how their lines end does not count."""
    lines = list(_lines(old.splitlines(), new.splitlines()))
    hunks, rest = _hunks(lines)
    return Diff(
        tuple(hunks),
        rest,
        sum(line.kind is Kind.ADDED for line in lines),
        sum(line.kind is Kind.REMOVED for line in lines),
    )


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    start, end = _common_ends(old, new)
    for number in range(start):
        yield _same(old[number], number, number)
    for tag, i1, i2, j1, j2 in _blocks(old[start : len(old) - end], new[start : len(new) - end]):
        i1, i2, j1, j2 = i1 + start, i2 + start, j1 + start, j2 + start
        if tag == "equal":
            yield from (_same(old[i1 + step], i1 + step, j1 + step) for step in range(i2 - i1))
        else:
            yield from _changed(old[i1:i2], new[j1:j2], i1, j1)
    for step in range(end):
        number = len(old) - end + step
        yield _same(old[number], number, len(new) - end + step)


def _common_ends(old: list[str], new: list[str]) -> tuple[int, int]:
    """Return how many lines are the same at the start, and of the rest at the end."""
    most = min(len(old), len(new))
    start = next((number for number in range(most) if old[number] != new[number]), most)
    most -= start
    end = next((number for number in range(most) if old[-1 - number] != new[-1 - number]), most)
    return start, end


def _blocks(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    if not (old or new):
        return []
    if not _is_comparable(old, new, _MOST_EQUAL_LINES):
        return [("replace", 0, len(old), 0, len(new))]
    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _changed(old: list[str], new: list[str], i: int, j: int) -> Iterator[Line]:
    """Yield the lines that give way, then those that come, each against its partner."""
    pairs = [_words(before, after) for before, after in islice(zip(old, new, strict=False), _MOST_PAIRS)]
    for step, text in enumerate(old):
        parts = pairs[step][0] if step < len(pairs) else (Part(text),)
        yield Line(Kind.REMOVED, parts, old=i + step + 1)
    for step, text in enumerate(new):
        parts = pairs[step][1] if step < len(pairs) else (Part(text),)
        yield Line(Kind.ADDED, parts, new=j + step + 1)


def _words(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return both lines in parts; lines that have too little in common are not taken apart."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if not _is_comparable(before, after, _MOST_EQUAL_WORDS):
        return (Part(old),), (Part(new),)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _SIMILAR:
        return (Part(old),), (Part(new),)
    left, right = [], []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        differs = tag != "equal"
        left.append(Part("".join(before[i1:i2]), differs))
        right.append(Part("".join(after[j1:j2]), differs))
    return tuple(part for part in left if part.text), tuple(part for part in right if part.text)


def _is_comparable(old: list[str], new: list[str], most_equal: int) -> bool:
    if len(old) + len(new) > _MOST_PIECES:
        return False
    counts = Counter(new)
    return sum(counts[piece] for piece in old) <= most_equal


def _same(text: str, old: int, new: int) -> Line:
    return Line(Kind.SAME, (Part(text),), old + 1, new + 1)


def _hunks(lines: list[Line]) -> tuple[list[Hunk], int]:
    """Cut out what is further than `CONTEXT` lines from any change."""
    changes = [number for number, line in enumerate(lines) if line.kind is not Kind.SAME]
    hunks: list[Hunk] = []
    at = index = 0
    while index < len(changes):
        start = max(at, changes[index] - CONTEXT)
        end = changes[index]
        while index < len(changes) and changes[index] <= end + 2 * CONTEXT:
            end = changes[index]
            index += 1
        stop = min(len(lines), end + CONTEXT + 1)
        hunks.append(Hunk(start - at, tuple(lines[start:stop])))
        at = stop
    return hunks, len(lines) - at
