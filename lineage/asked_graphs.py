"""Which graph the query of an address asks for; what makes no sense is said, not guessed."""

from collections.abc import Mapping
from dataclasses import dataclass

from lineage.collect import DEEPEST, DEPTH
from lineage.graph import Direction

_OPENED = 200


@dataclass(frozen=True)
class AskedGraph:
    """A graph as asked for.

    :ivar node: text of the root's id; empty: none yet
    :ivar opened: names of groups to show more of
    """

    node: str
    direction: Direction
    depth: int
    opened: tuple[str, ...] = ()


def of(query: Mapping[str, str], opened: list[str]) -> AskedGraph:
    """Return what the query of a page asks for; a direction or depth that is none counts as not given."""
    direction, depth = query.get("direction", ""), query.get("depth", "")
    return AskedGraph(
        query.get("node", "").strip(),
        Direction(direction) if direction in set(Direction) else Direction.BOTH,
        depth_of(depth) or DEPTH,
        tuple(opened[:_OPENED]),
    )


def depth_of(text: str) -> int | None:
    """Return the number of hops that `text` says, at most the deepest there is; None if it is none."""
    return min(int(text), DEEPEST) if text.isascii() and text.isdigit() and 0 < len(text) < 4 else None
