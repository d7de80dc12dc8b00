"""The lineage graph around a node, read from the database hop by hop.

Each hop takes a fixed number of queries however many nodes it starts from, and the whole is bounded: where
more is reached than `LIMIT` nodes, the graph says that it is not complete.
"""

from collections.abc import Collection
from datetime import datetime

from accounts.access import Person
from lineage import downstream, graph, upstream
from lineage.graph import Direction, Graph, Hop, Key, Node
from lineage.reach import Reach

#: Nodes of one graph at most.
LIMIT = 2_000
#: Hops that pages show if nobody asks for others, and at most.
DEPTH = 3
DEEPEST = 12


def around(
    root: Node,
    *,
    user: Person,
    direction: Direction = Direction.BOTH,
    depth: int = DEPTH,
    at: datetime | None = None,
    limits: Reach | None = None,
) -> Graph:
    """Return what `root` came from and what came of it, as `user` may know it.

    At most 2 + 14 queries for each hop and way, and once more for the edges between the farthest nodes.

    :param root: as `lineage.roots.find` returns it
    :param at: as it was then: only what existed, every stage as it was; None: now
    :param limits: what `user` may see as of `at`, where the caller knows it already
    """
    limits = limits or Reach.of(user, at, LIMIT)
    if root.at and at and root.at > at:
        return Graph(root.key, {root.key: root}, frozenset(), {root.key: 0})

    told: set[Key] = set()

    def expand(keys: Collection[Key], way: Direction) -> Hop:
        if way is Direction.UPSTREAM:
            return upstream.expand(keys, limits, told)
        return downstream.expand(keys, limits)

    return graph.walk(root, expand, direction=direction, depth=min(depth, DEEPEST), limit=limits.limit)
