"""The lineage graph as a nested list: each line of it is true, and none is missing."""

from hypothesis import given

from lineage import graph, nesting
from lineage.graph import Direction
from tests.rules.test_lineage_graph import edges_of, forwards, key, pairs, walk

PIPELINE = edges_of(
    [
        *[("data", "preprocess"), ("preprocess", "scans"), ("scans", "train"), ("train", "models")],
        *[("scans", "evaluate"), ("models", "evaluate"), ("evaluate", "run"), ("run", "version")],
        *[("preprocess", "run"), ("train", "run"), ("data", "run"), ("version", "promotion")],
    ]
)


def hung(edges, root, way=Direction.BOTH, depth=30):
    """Return the parents in the list and the edges that are drawn."""
    found = walk(edges, key(root), way=way, depth=depth)
    straight, _cycle = graph.without_cycles(found.edges)
    drawn = graph.without_shortcuts(straight)
    known = nesting.stragglers(found.edges, found.depths)
    return known | nesting.parents(drawn, found.root, found.depths), drawn, found


def test_the_list_goes_the_way_of_the_drawing_back_to_the_data():
    found, _drawn, _graph = hung(PIPELINE, "version")
    way = [key("data")]
    while way[-1] in found:
        way.append(found[way[-1]])
    names = ["data", "preprocess", "scans", "train", "models", "evaluate", "run", "version"]
    assert way == [key(name) for name in names]
    assert found[key("promotion")] == key("version")


def test_what_a_stage_reads_does_not_hang_from_it_as_what_it_led_to():
    # Both come of the commit: the scans are made by `preprocess` and read by `evaluate`, which is nearer.
    made = [("commit", "preprocess"), ("preprocess", "scans"), ("scans", "evaluate"), ("commit", "evaluate")]
    found, _drawn, _graph = hung(edges_of(made), "commit", Direction.DOWNSTREAM)
    assert found[key("scans")] == key("preprocess")
    assert found[key("evaluate")] == key("scans")


@given(forwards)
def test_without_cycles_each_line_of_the_list_is_a_line_of_the_drawing(found):
    edges = edges_of(found)
    for root in {0, *(end for one in found for end in one)}:
        parents, drawn, whole = hung(edges, root)
        assert set(parents) == set(whole.nodes) - {key(root)}
        assert all((near, far) in drawn or (far, near) in drawn for far, near in parents.items())
        # And no line of the drawing is lost.
        others = nesting.others(drawn, key(root), parents)
        assert len(others) + len(parents) == len(drawn)
        assert all((near, far) in drawn or (far, near) in drawn for near, far in others)


@given(pairs)
def test_with_cycles_everything_still_hangs_from_the_root(found):
    edges = edges_of(found)
    parents, _drawn, whole = hung(edges, 0)
    for start in whole.nodes:
        steps, at = 0, start
        while at != key(0):
            at, steps = parents[at], steps + 1
            assert steps <= len(whole.nodes)


def test_a_long_chain_is_not_indented_for_ever():
    chain = {key(number): key(number - 1) for number in range(1, 2000)}
    found = nesting.shallow(chain, 12)
    assert set(found) == set(chain)
    assert found[key(12)] == key(11)
    assert {found[key(number)] for number in range(12, 2000)} == {key(11)}
