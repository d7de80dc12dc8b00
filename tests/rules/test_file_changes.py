"""The files of two versions of a folder."""

from lineage.file_changes import FileChange, compare


def test_files_are_added_removed_modified_and_moved() -> None:
    old = [("same", "1"), ("changed", "2"), ("old/name", "3"), ("gone", "4")]
    new = [("same", "1"), ("changed", "5"), ("new/name", "3"), ("fresh", "6")]
    assert compare(old, new) == [
        FileChange("modified", "changed"),
        FileChange("added", "fresh"),
        FileChange("removed", "gone"),
        FileChange("moved", "new/name", "old/name"),
    ]


def test_copies_are_not_taken_for_moves_twice() -> None:
    found = compare([("a", "1")], [("b", "1"), ("c", "1")])
    assert [(one.kind, one.path) for one in found] == [("moved", "b"), ("added", "c")]


def test_files_of_equal_content_are_paired_in_the_order_of_their_paths() -> None:
    found = compare([(name, "1") for name in "dbca"], [(name, "1") for name in "zxy"])
    assert [(one.kind, one.path, one.before) for one in found] == [
        ("removed", "d", ""),
        ("moved", "x", "a"),
        ("moved", "y", "b"),
        ("moved", "z", "c"),
    ]
