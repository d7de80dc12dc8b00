"""What commit, run and version say of the metrics, beside what was measured again."""

from typing import Any

import pytest

from lineage.rebuilt import Tolerance
from lineage.recorded_metrics import RecordedMetrics, same_names


def rows(
    rebuilt: dict[str, Any], tolerance: Tolerance | None = None, **told: dict[str, float]
) -> dict[str, tuple[str, str]]:
    by = [told.get(who, {}) for who in ("commit", "run", "version")]
    found = RecordedMetrics(by[0], by[1], by[2], ("val_cer",)).rows(rebuilt, tolerance or Tolerance())
    return {row["name"]: (row["state"], row["by"]) for row in found}


@pytest.mark.parametrize(
    ("told", "names", "found"),
    [
        (["a", "b"], ["b", "c"], {"b": "b"}),
        (["val_cer"], ["scores.val_cer"], {"val_cer": "scores.val_cer"}),
        (["eval/val_cer"], ["scores.val_cer"], {"eval/val_cer": "scores.val_cer"}),
        (["val_loss"], ["train.loss", "val.loss"], {"val_loss": "val.loss"}),
        (["loss"], ["train.loss", "val.loss"], {}),
        (["train.loss", "val.loss"], ["loss"], {}),
        (["f1"], ["f1", "other.f1"], {"f1": "f1"}),
        (["val_cer"], ["cer", "loss"], {"val_cer": "cer"}),
        (["val_cer"], ["scores.cer"], {"val_cer": "scores.cer"}),
    ],
)
def test_names_stand_for_each_other_where_there_is_no_doubt(
    told: list[str], names: list[str], found: dict[str, str]
) -> None:
    assert same_names(told, names) == found


def test_what_the_version_says_counts_then_the_run_then_the_commit() -> None:
    commit, rebuilt = {"a": 1.0, "b": 1.0, "scores.val_cer": 1.0}, {"a": 1.0, "b": 1.0, "scores.val_cer": 1.0}
    assert rows(rebuilt, commit=commit, run={"b": 1.0, "val_cer": 1.0}, version={"val_cer": 2.0}) == {
        "a": ("identical", "commit"),
        "b": ("identical", "run"),
        "scores.val_cer": ("different", "version"),
    }
    assert rows(rebuilt, commit=commit, run={"val_cer": 2.0})["scores.val_cer"] == ("different", "run")


def test_what_the_run_recorded_and_nothing_produced_is_listed() -> None:
    run = {"val_cer": 1.0, "extra": 2.0, "fit_seconds": 3.0, "system/cpu": 4.0}
    assert rows({"val_cer": 1.0}, commit={"val_cer": 1.0}, run=run) == {
        "val_cer": ("identical", "run"),
        "extra": ("not_produced", "run"),
        "fit_seconds": ("not_compared", "run"),
    }


def test_what_the_version_claims_has_to_be_produced() -> None:
    told = {"val_cer": 1.0, "train_loss": 1.0}
    assert rows({"a": 1.0}, commit={"a": 1.0}, version=told) == {
        "a": ("identical", "commit"),
        "val_cer": ("missing", "version"),
        "train_loss": ("not_produced", "version"),
    }
    assert rows({}, Tolerance(ignored=("val_cer",)), version={"val_cer": 1.0})["val_cer"][0] == "not_compared"


def test_what_nobody_recorded_is_new() -> None:
    assert rows({"a": 1.0}) == {"a": ("new", "")}
