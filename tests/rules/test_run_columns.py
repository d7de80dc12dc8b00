"""Columns of the table of runs, and what tags say."""

import math

import pytest

from experiments import run_facts
from experiments.run_columns import MAX_CHOSEN, Column, chosen, moved, number_of, offer, parse


def test_a_column_is_named_by_kind_and_key() -> None:
    column = parse("params.train.learning_rate")
    assert column == Column("params", "train.learning_rate")
    assert column.name == "params.train.learning_rate"


@pytest.mark.parametrize(
    "name", ["", "metrics", "metrics.", ".x", "runs.x", "metrics.a\0b", "metrics." + "x" * 251]
)
def test_what_names_no_column_is_none(name: str) -> None:
    assert parse(name) is None


def test_columns_come_repeated_or_with_commas_once_each_and_not_without_end() -> None:
    names = ["metrics.a,metrics.b", "params.c", "nonsense", "metrics.a"]
    assert [column.name for column in chosen(names)] == ["metrics.a", "metrics.b", "params.c"]
    assert len(chosen(f"metrics.{number}" for number in range(1000))) == MAX_CHOSEN


def test_a_column_moves_a_place_at_a_time_and_not_beyond_the_ends() -> None:
    columns = chosen(["metrics.a", "params.b", "tags.c.d"])

    def order(move: str) -> str:
        return " ".join(column.key for column in moved(columns, move))

    assert order("left.tags.c.d") == "a c.d b"
    assert order("right.metrics.a") == "b a c.d"
    for nothing in ("left.metrics.a", "right.tags.c.d", "up.params.b", "left.params.gone", "", "."):
        assert order(nothing) == "a b c.d"


def test_usual_columns_are_telling_metrics_and_parameters_that_differ() -> None:
    metrics = {"zeta": 1, "val_cer": 0.1, "train_loss": 2, "val_accuracy": 0.9, "val_loss": 0.4}
    runs = [(metrics, {"rate": str(rate), "same": "x", "seed": "1"}) for rate in (1, 2, 3)]
    runs[0][1].pop("seed")
    found = offer(runs)
    assert [one.key for one in found.default] == [
        "val_cer",
        "val_accuracy",
        "val_loss",
        "train_loss",
        "rate",
        "seed",
    ]
    assert {one.key for one in found.params} == {"rate", "same", "seed"}


def test_without_runs_there_is_nothing_to_choose() -> None:
    assert offer([]).default == ()


def test_numbers_that_json_does_not_know_come_by_name() -> None:
    assert math.isnan(number_of("NaN") or 0)
    assert number_of("-Infinity") == -math.inf
    assert number_of(3) == 3
    assert number_of(None) is None
    assert number_of("text") is None
    assert number_of(True) is None


def test_tags_tell_where_a_run_came_from_and_are_not_told_twice() -> None:
    tags = {
        "git_commit": "c" * 40,
        "mlflow.source.git.commit": "d" * 40,
        "dataset_name": "digits",
        "team": "ocr",
        "mlflow.user": "someone",
    }
    facts = {str(fact.label): (fact.value, fact.is_digest) for fact in run_facts.source(tags)}
    assert facts == {"Commit": ("c" * 40, True), "Data set": ("digits", False)}
    assert run_facts.own_tags(tags) == [("team", "ocr")]
    internal = [key for key, _value in run_facts.internal_tags(tags)]
    assert internal == ["dataset_name", "git_commit", "mlflow.source.git.commit", "mlflow.user"]


def test_parameters_are_grouped_by_their_first_name() -> None:
    found = run_facts.sections({"train.rate": "1", "seed": "2", "train.net.size": "3", "data.name": "x"})
    assert found == [
        ("", [("seed", "2")]),
        ("data", [("name", "x")]),
        ("train", [("net.size", "3"), ("rate", "1")]),
    ]
