"""Rules: a graph of what came from what, and walking it. No database, no Django.

Edges point the way things went: from data to the run that read it, from the run to the version made from it.

          commit ────────────┐
                             v
    data ──> stage ──> data ──> run ──> version ──> promotion
                                               └──> deployment

A walk goes from one node upstream, downstream or both ways (never up and then down again, which would reach
everything), hop by hop, as far as it is told to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from lineage.node_ids import Kind


class Direction(StrEnum):
    """Where a walk goes."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


class Key(NamedTuple):
    """What makes a node the same node, wherever it was met: data by its hash, a commit by its SHA."""

    kind: Kind
    value: str


class Edge(NamedTuple):
    """`target` came from `source`."""

    source: Key
    target: Key


@dataclass(frozen=True)
class Node:
    """One node.

    :ivar at: since when it exists; None: nobody knows, so it was always there
    :ivar weight: how much it matters where not everything can be shown
    :ivar hidden: that it is there is all the reader may know
    """

    key: Key
    at: datetime | None = None
    weight: int = 0
    hidden: bool = False


class Link(NamedTuple):
    """An edge that was found, and the node at its far end."""

    edge: Edge
    far: Node


@dataclass(frozen=True)
class Hop:
    """What one step found.

    :ivar complete: whether that is all; otherwise something was left unread
    """

    links: Collection[Link]
    complete: bool = True


#: Finds the neighbours of nodes in one direction.
Expand = Callable[[Collection[Key], Direction], Hop]


@dataclass(frozen=True)
class Graph:
    """Some nodes and the edges between them.

    :ivar depths: hops from the root
    :ivar open_ends: nodes that go on beyond what is here
    :ivar complete: whether everything within the depth is here
    """

    root: Key
    nodes: Mapping[Key, Node]
    edges: frozenset[Edge]
    depths: Mapping[Key, int]
    open_ends: frozenset[Key] = frozenset()
    complete: bool = True


@dataclass
class _Walk:
    """A graph that grows."""

    limit: int
    nodes: dict[Key, Node]
    depths: dict[Key, int]
    edges: set[Edge] = field(default_factory=set)
    open_ends: set[Key] = field(default_factory=set)
    complete: bool = True
    # Met on the present way: in a cycle the same node lies on both.
    met: set[Key] = field(default_factory=set)

    def take(self, hop: Hop) -> list[Key]:
        """Take what a hop found; return the nodes that are new."""
        self.complete &= hop.complete
        new = []
        for link in sorted(hop.links, key=lambda link: -link.far.weight):
            near = _near(link)
            if link.far.key not in self.nodes:
                # One hop may find a chain, as a commit and the one it is based on.
                if len(self.nodes) >= self.limit or near not in self.depths:
                    self.complete = False
                    self.open_ends.add(near)
                    continue
                self.nodes[link.far.key] = link.far
                self.depths[link.far.key] = self.depths[near] + 1
            if link.far.key not in self.met:
                self.met.add(link.far.key)
                new.append(link.far.key)
            self.edges.add(link.edge)
        return new

    def close(self, hop: Hop) -> None:
        """Take the edges between nodes that are here; who has others goes on."""
        for link in hop.links:
            if link.far.key in self.nodes:
                self.edges.add(link.edge)
            else:
                self.open_ends.add(_near(link))


def walk(root: Node, expand: Expand, *, direction: Direction, depth: int, limit: int) -> Graph:
    """Return what is reached from `root` in `depth` hops, the nearest first, `limit` nodes at most.

    One call of `expand` for each hop and way, and one more for the edges between the farthest nodes. A node
    that was met is not asked again, so a cycle ends.
    """
    found = _Walk(limit, {root.key: root}, {root.key: 0})
    ways = [Direction.UPSTREAM, Direction.DOWNSTREAM] if direction is Direction.BOTH else [direction]
    for way in ways:
        frontier, found.met = [root.key], {root.key}
        for _hop in range(depth):
            if not frontier:
                break
            frontier = found.take(expand(frontier, way))
        if frontier:
            found.close(expand(frontier, way))
    edges = frozenset(found.edges)
    return Graph(root.key, found.nodes, edges, found.depths, frozenset(found.open_ends), found.complete)


def ancestors(edges: Iterable[Edge], key: Key) -> set[Key]:
    """Return everything that `key` came from; itself only if it is in a cycle."""
    return _reached(_by(edges, lambda edge: (edge.target, edge.source)), key)


def descendants(edges: Iterable[Edge], key: Key) -> set[Key]:
    """Return everything that came from `key`; itself only if it is in a cycle."""
    return _reached(_by(edges, lambda edge: (edge.source, edge.target)), key)


def as_of(graph: Graph, at: datetime) -> Graph:
    """Return what of `graph` existed at `at`."""
    nodes = {key: node for key, node in graph.nodes.items() if node.at is None or node.at <= at}
    edges = frozenset(edge for edge in graph.edges if edge.source in nodes and edge.target in nodes)
    return replace(graph, nodes=nodes, edges=edges)


def find_cycle(edges: Iterable[Edge]) -> list[Key]:
    """Return the nodes of one cycle in their order; empty if there is none."""
    after = _by(edges, lambda edge: (edge.source, edge.target))
    done: set[Key] = set()
    for start in sorted(after):
        path: list[Key] = []
        on_path: set[Key] = set()
        waiting: list[tuple[Key, Iterator[Key]]] = [(start, iter(after.get(start, ())))]
        while waiting:
            key, rest = waiting[-1]
            if key not in on_path:
                path.append(key)
                on_path.add(key)
            following = next((one for one in rest if one not in done), None)
            if following is None:
                waiting.pop()
                on_path.discard(path.pop())
                done.add(key)
            elif following in on_path:
                return path[path.index(following) :]
            else:
                waiting.append((following, iter(after.get(following, ()))))
    return []


def without_cycles(edges: Iterable[Edge]) -> tuple[frozenset[Edge], list[Key]]:
    """Return edges without the one that closes each cycle, and the first cycle there was (or none)."""
    left = set(edges)
    first: list[Key] = []
    while cycle := find_cycle(left):
        first = first or cycle
        left.discard(Edge(cycle[-1], cycle[0]))
    return frozenset(left), first


def without_shortcuts(edges: frozenset[Edge]) -> frozenset[Edge]:
    """Return the edges without those that a longer way says already (the transitive reduction).

    :param edges: without cycles
    """
    after = _by(edges, lambda edge: (edge.source, edge.target))
    beyond = {key: _reached(after, key) for key in after}
    return frozenset(
        edge
        for edge in edges
        if not any(edge.target in beyond.get(other, ()) for other in after[edge.source] - {edge.target})
    )


def _near(link: Link) -> Key:
    edge = link.edge
    return edge.source if edge.target == link.far.key else edge.target


def _by(edges: Iterable[Edge], ends: Callable[[Edge], tuple[Key, Key]]) -> dict[Key, set[Key]]:
    found: dict[Key, set[Key]] = {}
    for edge in edges:
        start, end = ends(edge)
        found.setdefault(start, set()).add(end)
    return found


def _reached(after: Mapping[Key, set[Key]], start: Key) -> set[Key]:
    found: set[Key] = set()
    waiting = deque(after.get(start, ()))
    while waiting:
        key = waiting.popleft()
        if key not in found:
            found.add(key)
            waiting.extend(after.get(key, ()))
    return found
