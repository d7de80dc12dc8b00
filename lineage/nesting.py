"""Rules: a graph as a nested list that begins at its root. No database, no Django.

data ──> preprocess ──> scans ──> train ──> run ──> version          version
                                                                       run
                                                            =>           train
                                                                           scans
                                                                             preprocess
                                                                               data
"""

from collections.abc import Collection, Mapping

from lineage.graph import Edge, Key, ancestors, descendants

#: Levels below the root. A pipeline may be a chain of a thousand stages, which nobody reads indented.
DEEPEST = 12


def parents(edges: Collection[Edge], root: Key, depths: Mapping[Key, int]) -> dict[Key, Key]:
    """Return for each node but the root the one that it hangs from in the list.

    What the root came from hangs from what came of it, what the root led to from what it came from; of
    several from the one nearest to the root. So each line of the list is a line of the drawing.

    :param edges: as they are drawn, without cycles
    :param depths: hops from the root, of every node
    """
    above, below = ancestors(edges, root) | {root}, descendants(edges, root) | {root}
    found: dict[Key, Key] = {}
    for edge in sorted(edges, key=lambda edge: (depths[edge.source] + depths[edge.target], edge)):
        if {edge.source, edge.target} <= above:
            found.setdefault(edge.source, edge.target)
        elif {edge.source, edge.target} <= below:
            found.setdefault(edge.target, edge.source)
    return found


def others(edges: Collection[Edge], root: Key, parents: Mapping[Key, Key]) -> list[tuple[Key, Key]]:
    """Return the edges that are no line of the list, each from the node before in the list to the other."""
    above, below = ancestors(edges, root) | {root}, descendants(edges, root) | {root}
    ends = [(edge.target, edge.source) for edge in edges if {edge.source, edge.target} <= above]
    ends += [(edge.source, edge.target) for edge in edges if {edge.source, edge.target} <= below]
    return sorted((near, far) for near, far in ends if parents.get(far) != near)


def stragglers(edges: Collection[Edge], depths: Mapping[Key, int]) -> dict[Key, Key]:
    """Return for each node one that is a hop nearer to the root, whichever way the edge goes.

    For what only an edge that closes a cycle, and so is not drawn, joins to the root.

    :param edges: all of them
    """
    found: dict[Key, Key] = {}
    for edge in sorted(edges):
        for near, far in (edge, (edge.target, edge.source)):
            if depths[near] + 1 == depths[far]:
                found.setdefault(far, near)
    return found


def shallow(parents: Mapping[Key, Key], deepest: int = DEEPEST) -> dict[Key, Key]:
    """Return `parents` with everything below the level `deepest` hung beside each other on that level."""
    found: dict[Key, Key] = {}
    levels: dict[Key, int] = {}
    for start in parents:
        way = [start]
        while way[-1] in parents and way[-1] not in levels:
            way.append(parents[way[-1]])
        levels.setdefault(way[-1], 0)
        for key, parent in zip(reversed(way[:-1]), reversed(way[1:]), strict=True):
            found[key] = parent if levels[parent] < deepest else found[parent]
            levels[key] = levels[found[key]] + 1
    return found
