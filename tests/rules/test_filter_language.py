"""The filter language: what it reads, and what it says of what it cannot read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import filters
from experiments.filters import All, Condition, Either, Field, FilterError, Not, parse

COMPARISONS = [
    ("metrics.val_cer < 0.05", Field("metrics", "val_cer"), "<", (0.05,)),
    ("metric.loss >= -1e-3", Field("metrics", "loss"), ">=", (-0.001,)),
    ("metrics.x<.5", Field("metrics", "x"), "<", (0.5,)),
    ('params.optimizer = "AdamW"', Field("params", "optimizer"), "=", ("AdamW",)),
    ("params.optimizer == AdamW", Field("params", "optimizer"), "=", ("AdamW",)),
    ("parameters.train.learning_rate > 0.001", Field("params", "train.learning_rate"), ">", (0.001,)),
    ("tags.team <> 'x'", Field("tags", "team"), "!=", ("x",)),
    ("tags.`a b` LIKE '%x%'", Field("tags", "a b"), "like", ("%x%",)),
    ('metrics."val/loss (mean)" <= 2', Field("metrics", "val/loss (mean)"), "<=", (2.0,)),
    ("attributes.status = 'FINISHED'", Field("attributes", "status"), "=", ("FINISHED",)),
    ("attributes.start_time > 1664067852747", Field("attributes", "start"), ">", (1664067852747.0,)),
    ('start > "-7d"', Field("attributes", "start"), ">", ("-7d",)),
    ("start > -7d", Field("attributes", "start"), ">", ("-7d",)),
    ('run_name ilike "%한글%"', Field("attributes", "name"), "ilike", ("%한글%",)),
    ("params.lr in (0.1, 0.2, x)", Field("params", "lr"), "in", (0.1, 0.2, "x")),
    ("tags.a is null", Field("tags", "a"), "null", ()),
    (r'tags.a = "say \"hi\" to C:\temp"', Field("tags", "a"), "=", ('say "hi" to C:\\temp',)),
]


@pytest.mark.parametrize(("text", "field", "operator", "values"), COMPARISONS)
def test_a_condition_is_read(text, field, operator, values):
    assert parse(text) == Condition(field, operator, values, 0, len(text))


def test_and_binds_closer_than_or_and_not_closest():
    found = parse("not status = a or status = b and status = c")
    assert isinstance(found, Either)
    assert isinstance(found.parts[0], Not)
    assert isinstance(found.parts[1], All)


def test_parentheses_group():
    found = parse("(status = a or status = b) AND user = c")
    assert isinstance(found, All)
    assert isinstance(found.parts[0], Either)


@pytest.mark.parametrize("text", ["user not in (a, b)", "user not like 'a%'"])
def test_what_is_not_in_a_list_must_be_there(text):
    found = parse(text)
    assert isinstance(found, All)
    assert [one.operator for one in filters.conditions(found)][1] == "null"


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_asks_for_nothing(text):
    assert parse(text) is None


FAULTS = [
    ("metrics.a <", 11, "too early"),
    ("metrics.a", 9, "an operator"),
    ("foo = 1", 0, "no field 'foo'"),
    ("_connector = 1", 0, "no field '_connector'"),
    ("x.y = 1", 0, "no field 'x'"),
    ("attributes.nothing = 1", 0, "no attribute 'nothing'"),
    ("metrics.a < 1 metrics.b", 14, "'metrics.b' does not belong here"),
    ('metrics.a = "x', 12, "no partner"),
    ("(metrics.a < 1", 14, "too early"),
    (")", 0, "')' does not belong"),
    ("metrics.a < 1; DROP TABLE runs", 13, "';' does not belong"),
    ("metrics.a < 1 -- x", 14, "does not belong"),
    ("metrics. = 1", 7, "does not belong"),
    ("not not status = a", 8, "does not belong"),
    ("status = a and", 14, "too early"),
    ("(" * 31 + "status = a" + ")" * 31, 30, "parentheses"),
    ("x" * 4001, 4000, "4000 characters"),
    (" and ".join(["status = a"] * 51), 750, "50 conditions"),
    (f"user in ({', '.join('a' * 201)})", 0, "200 values"),
    ('tags.a = "\0"', 9, "zero character"),
    ('tags."\0" = 1', 0, "zero character"),
]


@pytest.mark.parametrize(("text", "start", "message"), FAULTS)
def test_a_fault_has_a_place_and_a_reason(text, start, message):
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.start == start
    assert caught.value.end > start
    assert message in str(caught.value)


def place_of_fault(text: str) -> tuple[int, int]:
    try:
        parse(text)
    except FilterError as error:
        return error.start, error.end
    return 0, 1


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    start, end = place_of_fault(text)
    assert 0 <= start <= len(text)
    assert start < end


_PIECES = [
    "metrics.a",
    "params.`b c`",
    "status",
    "<",
    "=",
    "in",
    "(",
    ")",
    ",",
    "0.5",
    '"x"',
    "and",
    "or",
    "not",
]


@given(st.lists(st.sampled_from([*_PIECES, "not", "is", "null", "like"]), max_size=30).map(" ".join))
def test_any_words_of_the_language_are_read_or_refused_with_a_place(text):
    assert 0 <= place_of_fault(text)[0] <= len(text)


@given(st.text(min_size=1, max_size=30).filter(lambda key: "`" not in key and "\0" not in key))
def test_every_key_can_be_written(key):
    found = parse(f"{filters.written('params', key)} = 1")
    assert isinstance(found, Condition)
    assert found.field == Field("params", key)
