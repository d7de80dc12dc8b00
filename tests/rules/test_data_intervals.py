"""Rules: since when and until when data had which content."""

from lineage.data_intervals import Interval, first_parents, of


def test_a_content_that_returns_has_two_stretches_and_is_current() -> None:
    line = [("1", "A"), ("2", "A"), ("3", "B"), ("4", "A")]
    assert of(line) == [Interval("A", "4"), Interval("B", "3", "4"), Interval("A", "1", "3")]


def test_what_was_removed_is_not_current() -> None:
    assert of([("1", ""), ("2", "A"), ("3", ""), ("4", "")]) == [Interval("A", "2", "3")]


def test_a_commit_that_cannot_be_read_says_nothing() -> None:
    assert of([("1", "A"), ("2", None), ("3", "A")]) == [Interval("A", "1")]
    assert of([("1", None)]) == []


def test_a_line_follows_first_parents_to_where_they_end() -> None:
    parents = {"merge": ["b", "side"], "b": ["a"], "a": ["unknown"], "side": ["a"]}
    assert first_parents("merge", parents) == ["a", "b", "merge"]
    assert first_parents("nowhere", parents) == []
    assert first_parents("x", {"x": ["y"], "y": ["x"]}) == ["y", "x"]
