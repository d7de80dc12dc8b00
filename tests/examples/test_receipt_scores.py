"""Error rates and the alignment behind the confusion table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipt_ocr.scores import (
    GAP,
    character_error_rate,
    digit_pairs,
    edit_distance,
    exact_share,
    word_error_rate,
)

DIGITS = st.text("0123", max_size=7)


@pytest.mark.parametrize(
    ("actual", "read", "distance"),
    [
        ("", "", 0),
        ("1200", "1200", 0),
        ("1200", "1700", 1),
        ("1200", "120", 1),
        ("1200", "12000", 1),
        ("1200", "", 4),
        ("", "12", 2),
        ("1234", "2345", 2),
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
    ],
)
def test_edit_distance_of_known_pairs(actual: str, read: str, distance: int) -> None:
    assert edit_distance(actual, read) == distance


@given(DIGITS, DIGITS, DIGITS)
def test_edit_distance_is_a_metric(a: str, b: str, c: str) -> None:
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_character_error_rate_counts_edits_per_written_digit_over_all_amounts() -> None:
    # One substitution, one deletion, two insertions; 4 + 3 + 3 digits written.
    assert character_error_rate(["1200", "550", "990"], ["1700", "50", "99000"]) == pytest.approx(4 / 10)


def test_character_error_rate_exceeds_one_when_more_is_invented_than_written() -> None:
    assert character_error_rate(["1"], ["222"]) == 3.0


def test_word_error_rate_counts_misread_fields() -> None:
    assert word_error_rate(["1200", "550", "990", "10"], ["1200", "50", "", "10"]) == pytest.approx(2 / 4)


@given(st.lists(st.tuples(st.text("0123", min_size=1, max_size=7), DIGITS), min_size=1, max_size=9))
def test_with_one_word_per_field_the_word_error_rate_is_the_share_not_read_exactly(
    pairs: list[tuple[str, str]],
) -> None:
    actual, read = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert word_error_rate(actual, read) == pytest.approx(1 - exact_share(actual, read))


def test_scores_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="needs something that was written"):
        character_error_rate([""], ["1"])
    with pytest.raises(ValueError, match="at least one amount"):
        exact_share([], [])


def test_scores_of_unequal_numbers_of_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        character_error_rate(["1", "2"], ["1"])


@pytest.mark.parametrize(
    ("actual", "read", "pairs"),
    [
        ("120", "170", [("1", "1"), ("2", "7"), ("0", "0")]),
        ("120", "10", [("1", "1"), ("2", GAP), ("0", "0")]),
        ("10", "150", [("1", "1"), (GAP, "5"), ("0", "0")]),
        ("12", "", [("1", GAP), ("2", GAP)]),
    ],
)
def test_digits_are_paired_along_a_shortest_path(
    actual: str, read: str, pairs: list[tuple[str, str]]
) -> None:
    assert digit_pairs(actual, read) == pairs


@given(DIGITS, DIGITS)
def test_pairs_spell_both_amounts_and_differ_as_often_as_the_distance_says(actual: str, read: str) -> None:
    pairs = digit_pairs(actual, read)
    assert "".join(a for a, _ in pairs if a != GAP) == actual
    assert "".join(r for _, r in pairs if r != GAP) == read
    assert sum(a != r for a, r in pairs) == edit_distance(actual, read)
