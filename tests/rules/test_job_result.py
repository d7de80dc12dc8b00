"""Results and values of jobs in words."""

import shlex

import pytest

from experiments.job_result import facts, rebuild_commands
from experiments.parameter_changes import changes
from experiments.parameters import read_parameters, validate_overrides
from experiments.value_text import value_text


def test_single_values_and_metrics_are_facts_and_nested_ones_are_not() -> None:
    result = {
        "sha": "a" * 40,
        "branch": "main",
        "training_seconds": 31.5,
        "flag": True,
        "empty": "",
        "nothing": None,
        "environment": {"torch": "2"},
        "tag": "v1",
        "dataset_hash": "d" * 32 + ".dir",
        "metrics": {"samples": 9, "val_cer": 0.01, "note": "text"},
    }
    found = {str(fact.label): (fact.value, fact.kind) for fact in facts(result)}
    assert found == {
        "Commit of the result": ("a" * 40, "digest"),
        "Branch": ("main", "text"),
        "Data": ("d" * 32 + ".dir", "digest"),
        "Training took": (31.5, "seconds"),
        "val_cer": (0.01, "number"),
        "samples": (9, "number"),
    }
    assert list(found) == ["Commit of the result", "Branch", "Data", "Training took", "val_cer", "samples"]


def test_data_that_are_in_no_remote_are_said_to_be() -> None:
    (fact,) = facts({"pushed": False})
    assert "stay in the cache" in str(fact.value)
    assert facts({"pushed": True}) == []


def test_metrics_that_are_no_mapping_are_left_out() -> None:
    assert facts({"metrics": [1, 2]}) == []


def test_the_rebuild_commands_survive_a_shell() -> None:
    clone, *rest = rebuild_commands("/srv/my repo'; rm -rf ~", "a b", "f" * 40)
    assert shlex.split(clone) == ["git", "clone", "/srv/my repo'; rm -rf ~", "a b"]
    assert rest == ["cd 'a b'", f"git checkout {'f' * 40}", "dvc pull", "dvc repro"]


@pytest.mark.parametrize("value", [1, -2, 0.003, 1e-5, 3.0, True, False, "CRNN", [1, 2], ["a"], None])
def test_the_text_of_a_value_reads_back_as_the_value(value: object) -> None:
    import json

    parameters = read_parameters(f"key: {json.dumps(value)}\n")
    assert validate_overrides(parameters, {"key": value_text(value)}) == {"key": value}


def test_changes_stand_beside_what_the_file_has() -> None:
    found = changes("train:\n  rate: 0.01\n", {"train.rate": 0.001, "train.gone": [1]})
    assert [(one.key, one.before, one.after) for one in found] == [
        ("train.rate", "0.01", "0.001"),
        ("train.gone", None, "[1]"),
    ]


def test_changes_of_a_file_that_cannot_be_read_have_no_before() -> None:
    assert changes("a: [", {"a": 1})[0].before is None
