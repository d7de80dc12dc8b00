"""Who makes what for whom, in which order, and where it goes round in circles."""

from lineage.pipeline_graph import Node, downstream, edges, order


def test_a_stage_waits_for_who_makes_what_it_reads_or_holds_or_is_inside_of_it() -> None:
    nodes = [
        Node(["data"], ["out/model.pkl"]),  # reads the folder that the next one writes into
        Node([], ["data/raw"]),
        Node(["out/model.pkl/weights"], []),
    ]
    assert edges(nodes) == [(0, 2), (1, 0)]
    assert order(3, edges(nodes)).sequence == (1, 0, 2)


def test_a_circle_is_named_and_what_waits_for_it_comes_after() -> None:
    nodes = [Node(["b"], ["a"]), Node(["a"], ["b"]), Node(["b"], ["c"]), Node(["x"], ["y"])]
    found = order(4, edges(nodes))
    assert found.circular == {0, 1}
    assert found.sequence == (3, 0, 1, 2)
    assert downstream([0], edges(nodes)) == {0, 1, 2}


def test_a_stage_that_reads_its_own_output_is_no_circle() -> None:
    assert edges([Node(["a"], ["a"])]) == []


def test_a_thousand_stages_in_a_row_are_no_trouble() -> None:
    nodes = [Node([f"{at - 1}"], [f"{at}"]) for at in range(1000)]
    assert order(1000, edges(nodes)).sequence == tuple(range(1000))


def test_paths_with_protocols_end() -> None:
    assert edges([Node(["s3://bucket/x/y"], ["s3://bucket/x"]), Node(["s3://bucket/x"], ["//a/b"])]) == [
        (0, 1)
    ]
