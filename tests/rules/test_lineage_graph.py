"""The lineage graph without a database: walking, times, cycles, shortcuts, groups."""

from collections.abc import Collection
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lineage import graph, grouping
from lineage.graph import Direction, Edge, Graph, Hop, Key, Link, Node
from lineage.node_ids import Kind


def key(name: object, kind: Kind = Kind.RUN) -> Key:
    return Key(kind, str(name))


def edges_of(pairs: Collection[tuple[object, object]]) -> frozenset[Edge]:
    return frozenset(Edge(key(source), key(target)) for source, target in pairs)


def walk(
    edges: Collection[Edge], root: Key, *, way: Direction = Direction.BOTH, depth: int = 3, limit: int = 100
) -> Graph:
    def expand(keys: Collection[Key], direction: Direction) -> Hop:
        up = direction is Direction.UPSTREAM
        found = [edge for edge in sorted(edges) if (edge.target if up else edge.source) in keys]
        return Hop([Link(edge, Node(edge.source if up else edge.target)) for edge in found])

    return graph.walk(Node(root), expand, direction=way, depth=depth, limit=limit)


pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda one: one[0] != one[1]))
forwards = pairs.map(lambda found: [(min(one), max(one)) for one in found])

CHAIN = edges_of([(1, 2), (2, 3), (3, 4), (4, 5)])


def test_a_walk_goes_so_many_hops_each_way_and_says_where_it_goes_on():
    found = walk(CHAIN, key(3), depth=1)
    assert set(found.nodes) == {key(2), key(3), key(4)}
    assert found.edges == edges_of([(2, 3), (3, 4)])
    assert found.open_ends == {key(2), key(4)}
    assert found.complete


def test_a_walk_upstream_does_not_come_down_again():
    found = walk(edges_of([(1, 2), (1, 3)]), key(2), way=Direction.UPSTREAM)
    assert set(found.nodes) == {key(1), key(2)}


def test_edges_between_the_farthest_nodes_are_there():
    found = walk(edges_of([(1, 2), (1, 3), (2, 3)]), key(1), depth=1)
    assert Edge(key(2), key(3)) in found.edges


def test_a_walk_is_bounded_and_says_so():
    found = walk(edges_of([(0, number) for number in range(1, 50)]), key(0), limit=10)
    assert len(found.nodes) == 10
    assert not found.complete


@given(pairs, st.integers(0, 12))
def test_a_walk_ends_and_agrees_with_ancestors_and_descendants(found, root):
    edges = edges_of(found)
    reached = walk(edges, key(root), depth=20)
    wanted = graph.ancestors(edges, key(root)) | graph.descendants(edges, key(root)) | {key(root)}
    assert set(reached.nodes) == wanted
    for edge in reached.edges:
        assert {edge.source, edge.target} <= set(reached.nodes)


@given(pairs)
def test_cycles_are_found_and_taken_away(found):
    edges = edges_of(found)
    left, cycle = graph.without_cycles(edges)
    assert not graph.find_cycle(left)
    assert bool(cycle) == (left != edges)
    for source, target in zip(cycle, [*cycle[1:], *cycle[:1]], strict=True):
        assert Edge(source, target) in edges


@given(forwards)
def test_without_shortcuts_the_same_is_reached_by_fewer_edges(found):
    edges = edges_of(found)
    left = graph.without_shortcuts(edges)
    assert left <= edges
    for edge in edges:
        assert graph.descendants(left, edge.source) == graph.descendants(edges, edge.source)
    for edge in left:
        assert edge.target not in graph.descendants(left - {edge}, edge.source)


def test_as_of_a_time_only_what_existed_is_there():
    def at(day: int) -> datetime:
        return datetime(2026, 1, day, tzinfo=UTC)

    nodes = {key(1): Node(key(1)), key(2): Node(key(2), at(2)), key(3): Node(key(3), at(4))}
    whole = Graph(key(1), nodes, edges_of([(1, 2), (2, 3)]), dict.fromkeys(nodes, 0))
    found = graph.as_of(whole, at(3))
    assert set(found.nodes) == {key(1), key(2)}
    assert found.edges == edges_of([(1, 2)])


def star(count: int) -> Graph:
    """A data set that `count` runs read, each with a version; run 7's is in Production."""
    root = Key(Kind.DATA, "d")
    edges, nodes, depths = set(), {root: Node(root)}, {root: 0}
    for number in range(count):
        run, version = Key(Kind.RUN, f"{number:04}"), Key(Kind.VERSION, f"{number:04}")
        at = datetime.fromtimestamp(number * 60, UTC)
        nodes[run], nodes[version] = Node(run, at), Node(version, at, 40 if number == 7 else 5)
        depths[run], depths[version] = 1, 2
        edges |= {Edge(root, run), Edge(run, version)}
    return Graph(root, nodes, frozenset(edges), depths)


def test_many_alike_become_a_group_and_so_does_what_they_led_to():
    folded = grouping.fold(star(100))
    assert {group.kind: len(group.members) for group in folded.groups.values()} == {
        Kind.RUN: 94,
        Kind.VERSION: 94,
    }
    # The run behind Production first, then the newest.
    assert folded.shown[1] == Key(Kind.RUN, "0007")
    assert Key(Kind.RUN, "0099") in folded.shown


def test_few_are_shown_and_a_group_of_one_is_not_made():
    assert not grouping.fold(star(grouping.SHOWN + 1)).groups
    assert len(grouping.fold(star(grouping.SHOWN + 2)).groups) == 2


def test_an_opened_group_shows_more_each_time():
    name = "run.data.d"
    once, twice = grouping.fold(star(100), [name]), grouping.fold(star(100), [name, name])
    counts = [len([one for one in folded.shown if one.kind is Kind.RUN]) for folded in (once, twice)]
    assert counts == [grouping.SHOWN + grouping.MORE, grouping.SHOWN + 2 * grouping.MORE]


@given(st.integers(1, 60), st.lists(st.sampled_from(["run.data.d", "version.run.0007", "nonsense"])))
def test_nothing_is_lost_in_groups(count, opened):
    whole = star(count)
    folded = grouping.fold(whole, opened)
    members = [member for group in folded.groups.values() for member in group.members]
    assert sorted([*folded.shown, *members]) == sorted(whole.nodes)
    for edge in folded.edges:
        assert {edge.source, edge.target} <= {*folded.shown, *folded.groups}
