"""Rules: many alike become one group, so that a graph can be looked at. No database, no Django.

data ──> run 7 ──> version 1.2.0            data ──> run 7 ──> version 1.2.0
    ├──> run 6                       =>         ├──> run 6
    ├──> ...                                    └──> +12 runs ──> +2 versions
    └──> run 1 ──> version 0.1.0
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lineage.graph import Edge, Graph, Key
from lineage.node_ids import Kind

#: So many of a kind beside each other are shown before the rest becomes a group.
SHOWN = 6
#: An opened group shows so many more.
MORE = 24
_MOST_TIMES = 40


@dataclass(frozen=True)
class Group:
    """Nodes of one kind that were met from the same node.

    :ivar name: what opens it
    :ivar key: stands for it among nodes
    """

    name: str
    key: Key
    kind: Kind
    parent: Key
    members: frozenset[Key]


@dataclass(frozen=True)
class Folded:
    """A graph some of whose nodes are groups.

    :ivar shown: the nodes that are there themselves, the root first, by their distance
    :ivar edges: between nodes and groups
    """

    shown: list[Key]
    groups: dict[Key, Group]
    edges: frozenset[Edge]
    depths: dict[Key, int] = field(default_factory=dict)


def fold(graph: Graph, opened: Iterable[str] = (), shown: int = SHOWN) -> Folded:
    """Return `graph` with groups in place of the least important among many alike.

    Important is what weighs much, or leads to what does; of equals the newest.

    :param opened: names of groups to show more of; the same again, even more
    """
    times = Counter(opened)
    weights = _weights(graph)
    parents = _parents(graph)
    stands_for: dict[Key, Key] = {graph.root: graph.root}
    found: list[Key] = [graph.root]
    groups: dict[Key, Group] = {}
    for layer in _layers(graph):
        families: dict[tuple[Key, Kind], list[Key]] = defaultdict(list)
        for key in layer:
            families[stands_for[parents[key]], key.kind].append(key)
        for (parent, kind), members in families.items():
            name = f"{kind}.{parent.kind}.{parent.value}"
            count = shown + MORE * min(times[name], _MOST_TIMES)
            members.sort(key=lambda key: (-weights[key], _age(graph, key), key))
            # A group of one would take as much room as the one.
            kept = members if len(members) <= count + 1 and parent not in groups else members[:count]
            kept = [] if parent in groups else kept
            found += kept
            stands_for.update((key, key) for key in kept)
            rest = members[len(kept) :]
            if rest:
                group = Group(name, Key(kind, f"group {name}"), kind, parent, frozenset(rest))
                groups[group.key] = group
                stands_for.update((key, group.key) for key in rest)
    edges = {Edge(stands_for[edge.source], stands_for[edge.target]) for edge in graph.edges}
    depths = {stands_for[key]: depth for key, depth in sorted(graph.depths.items(), key=lambda one: -one[1])}
    return Folded(found, groups, frozenset(e for e in edges if e.source != e.target), depths)


def _layers(graph: Graph) -> Iterable[list[Key]]:
    by_depth: dict[int, list[Key]] = defaultdict(list)
    for key, depth in graph.depths.items():
        if depth:
            by_depth[depth].append(key)
    return [by_depth[depth] for depth in sorted(by_depth)]


def _parents(graph: Graph) -> dict[Key, Key]:
    """Return for each node one that is a hop nearer to the root, the first of several."""
    found: dict[Key, Key] = {}
    for edge in graph.edges:
        for near, far in (edge, (edge.target, edge.source)):
            if graph.depths[near] + 1 == graph.depths[far] and near < found.get(far, _LAST):
                found[far] = near
    return found


_LAST = Key(Kind.VERSION, "\U0010ffff")


def _weights(graph: Graph) -> dict[Key, int]:
    """Return for each node the greatest weight of it and of what is reached through it."""
    weights = {key: node.weight for key, node in graph.nodes.items()}
    farthest = sorted(
        graph.edges, key=lambda edge: -max(graph.depths[edge.source], graph.depths[edge.target])
    )
    for edge in farthest:
        near, far = sorted(edge, key=lambda key: graph.depths[key])
        if graph.depths[near] < graph.depths[far]:
            weights[near] = max(weights[near], weights[far])
    return weights


def _age(graph: Graph, key: Key) -> float:
    at = graph.nodes[key].at
    return -at.timestamp() if at else 0.0
