"""What is told of each node: its name, its address and what matters about it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from lineage.facts import commits, data, decisions, runs, stages, versions
from lineage.facts.told import Fact, Told
from lineage.graph import Key, Node
from lineage.node_ids import Kind
from lineage.reach import Reach

__all__ = ["Fact", "Told", "of"]

_TELLERS: dict[Kind, Callable[[Collection[str], Reach], dict[str, Told]]] = {
    Kind.DATA: data.of,
    Kind.COMMIT: commits.of,
    Kind.STAGE: stages.of,
    Kind.RUN: runs.of,
    Kind.VERSION: versions.of,
    Kind.PROMOTION: decisions.promotions,
    Kind.DEPLOYMENT: decisions.deployments,
}


def of(nodes: Iterable[Node], limits: Reach) -> dict[Key, Told]:
    """Return what is told of `nodes`, each kind by three queries at most."""
    found: dict[Key, Told] = {}
    wanted: dict[Kind, list[str]] = defaultdict(list)
    for node in nodes:
        if node.hidden:
            found[node.key] = Told(node.key.kind, "", "", hidden=True)
        else:
            wanted[node.key.kind].append(node.key.value)
    for kind, values in wanted.items():
        for value, told in _TELLERS[kind](values, limits).items():
            found[Key(kind, value)] = told.as_of(limits.at)
    return found
