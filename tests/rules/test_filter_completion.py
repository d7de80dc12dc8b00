"""What may come next in a filter."""

import pytest

from experiments.filter_completion import fixed, of_keys, of_values, place


@pytest.mark.parametrize(
    ("text", "kind", "prefix"),
    [
        ("", "field", ""),
        ("met", "field", "met"),
        ("metrics.val", "key", "val"),
        ('params."learning', "key", "learning"),
        ("metrics.a < 1 and (par", "field", "par"),
        ("metrics.a ", "operator", ""),
        ("params.a is n", "operator", "is n"),
        ("params.opt = ", "value", ""),
        ('params.opt = "Ada', "value", "Ada"),
        ("tags.team in (a, b", "value", "b"),
        ("status != ", "value", ""),
        ("metrics.a < 1 a", "joiner", "a"),
        ("metrics.a < 1 and ", "field", ""),
        ("한글", "field", "한글"),
    ],
)
def test_the_end_of_the_text_tells_what_is_being_written(text: str, kind: str, prefix: str) -> None:
    found = place(text)
    assert (found.kind, found.prefix) == (kind, prefix)


@pytest.mark.parametrize(
    ("text", "chosen", "whole"),
    [
        ("metrics.a < 1 a", "and ", "metrics.a < 1 and "),
        ("st", "status ", "status "),
        ("metrics.a is n", "is null ", "metrics.a is null "),
    ],
)
def test_a_word_takes_the_place_of_what_was_written(text: str, chosen: str, whole: str) -> None:
    at = place(text)
    assert chosen in [one.text for one in fixed(at)]
    assert text[: at.start] + chosen == whole


def test_keys_and_values_are_quoted_where_they_have_to_be() -> None:
    assert [one.text for one in of_keys(place("metrics.e"), ["eval f1", "ev"])] == [
        'metrics."eval f1" ',
        "metrics.ev ",
    ]
    assert [one.text for one in of_values(['a"b'])] == ['"a\\"b" ']


@pytest.mark.parametrize(
    "text", ["(" * 2000, '"' * 1999, "a." * 900, "\ud800", "' or 1=1 --", "in " * 600, "= " * 900]
)
def test_hostile_texts_are_read_quickly(text: str) -> None:
    fixed(place(text))
