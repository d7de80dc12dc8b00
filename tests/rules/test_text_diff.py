"""Differences between two cards."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.text_diff import Kind, Line, of


def lines(old: str, new: str) -> list[Line]:
    return [line for hunk in of(old, new).hunks for line in hunk.lines]


def test_the_same_text_has_no_differences() -> None:
    assert of("a\nb", "a\r\nb\r\n").is_same


def test_a_changed_word_is_marked_within_its_line() -> None:
    removed, added = lines("CER is 0.0412 on paper", "CER is 0.0112 on paper")
    assert [part.text for part in removed.parts if part.changed] == ["0412"]
    assert [part.text for part in added.parts if part.changed] == ["0112"]
    assert (removed.sign, added.sign) == ("\N{MINUS SIGN}", "+")


def test_lines_with_little_in_common_are_not_taken_apart() -> None:
    assert all(not part.changed for line in lines("alpha beta", "one, two; three") for part in line.parts)


def test_numbers_of_lines_are_those_of_either_text() -> None:
    found = lines("a\nb\nc\nd\n", "a\nx\nb\nd\n")
    assert [(line.kind.value, line.old, line.new) for line in found] == [
        ("same", 1, 1),
        ("added", None, 2),
        ("same", 2, 3),
        ("removed", 3, None),
        ("same", 4, 4),
    ]


def test_only_what_is_near_a_change_is_shown() -> None:
    old = "".join(f"line {number}\n" for number in range(100))
    diff = of(old, old.replace("line 10\n", "").replace("line 80\n", "other\n"))
    assert [hunk.skipped for hunk in diff.hunks] == [7, 63]
    assert diff.skipped == 16
    assert (diff.added, diff.removed) == (1, 2)


def test_changes_that_are_near_each_other_are_one_hunk() -> None:
    old = "".join(f"{number}\n" for number in range(12))
    assert len(of(old, old.replace("3\n", "x\n", 1).replace("8\n", "y\n", 1)).hunks) == 1


_TEXTS = st.lists(st.sampled_from(["a", "b", "a b", "", "x y z"]), max_size=12).map("\n".join)


@given(_TEXTS, _TEXTS)
def test_both_texts_can_be_put_together_again(old: str, new: str) -> None:
    before, after, shown = old.splitlines(), new.splitlines(), lines(old, new)
    for line in shown:
        text = "".join(part.text for part in line.parts)
        assert line.kind is Kind.ADDED or before[line.old - 1] == text
        assert line.kind is Kind.REMOVED or after[line.new - 1] == text
    diff = of(old, new)
    same = diff.skipped + sum(hunk.skipped for hunk in diff.hunks)
    assert len(before) == same + sum(line.kind is not Kind.ADDED for line in shown)
    assert len(after) == same + sum(line.kind is not Kind.REMOVED for line in shown)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 100_000, "b\n" * 100_000),
        ("a\nb\n" * 50_000, "b\na\n" * 50_000),
        ("a " * 100_000, "b a" * 60_000),
        (
            "".join(f"{n} a a a a a a a a a\n" for n in range(8000)),
            "".join(f"{n} a a b a a a\n" for n in range(8000)),
        ),
    ],
)
def test_hostile_texts_are_compared_in_time(old: str, new: str) -> None:
    start = time.process_time()
    of(old, new)
    assert time.process_time() - start < 5
