"""Curves out of the tables that DVC plots."""

from __future__ import annotations

import math

import pytest

from registry.plot_history import Table, curves, history, with_finals


def table(content: str, path: str = "plots/history.csv", x: str = "epoch", template: str = "") -> Table:
    return Table(path, x, template, content)


def test_every_column_of_numbers_becomes_a_curve_by_epoch() -> None:
    found = history(table("epoch,train_loss,val_loss\n1,2.5,3\n2,1e-3,nan\n"))
    assert found["train_loss"] == [(1, 2.5), (2, 0.001)]
    assert found["val_loss"][0] == (1, 3.0)
    assert math.isnan(found["val_loss"][1][1])
    assert "epoch" not in found


def test_a_confusion_table_is_no_history_with_or_without_its_template() -> None:
    content = "actual,predicted\n1,1\n7,1\n3,3\n"
    assert history(table(content, x="actual")) == {}
    assert history(table("actual,predicted\n1,1\n2,7\n", x="actual", template="confusion_normalized")) == {}


@pytest.mark.parametrize("steps", ["1,1", "2,1", "0.5,1", "a,b", "-1,0", "1,"])
def test_an_axis_that_does_not_count_up_makes_no_history(steps: str) -> None:
    rows = "".join(f"{step},1\n" for step in steps.split(","))
    assert history(table(f"epoch,loss\n{rows}")) == {}


def test_a_column_with_words_is_left_out_and_an_empty_cell_skipped() -> None:
    found = history(table("epoch,note,val,none\n0,good,,\n5,bad,0.5,\n"))
    assert found == {"val": [(5, 0.5)]}


def test_without_an_axis_a_counter_is_looked_for_and_else_the_rows_are_counted() -> None:
    assert history(table("step\tloss\n10\t1\n20\t2\n", path="a.tsv", x="")) == {
        "loss": [(10, 1.0), (20, 2.0)]
    }
    assert history(table("loss\n1\n2\n", x="")) == {"loss": [(0, 1.0), (1, 2.0)]}


@pytest.mark.parametrize("content", ["", "epoch,loss\n", "epoch\n1\n", "\x00", '"', "epoch,loss\n1\n"])
def test_a_table_without_content_gives_nothing(content: str) -> None:
    assert history(table(content)) == {}


def test_other_formats_give_nothing() -> None:
    assert history(table("epoch,loss\n1,2\n", path="plots/history.json")) == {}


def test_of_equal_columns_the_later_one_is_named_after_its_file() -> None:
    found = curves([table("epoch,loss\n1,2\n"), table("epoch,loss\n1,3\n", path="plots/val.csv")])
    assert found == {"loss": [(1, 2.0)], "val.loss": [(1, 3.0)]}


def test_a_final_value_comes_one_step_after_the_curve_unless_the_curve_ends_in_it() -> None:
    merged = with_finals(
        {"loss": [(1, 2.0), (2, 1.0)], "cer": [(2, 0.5)], "odd": [(1, math.nan)]},
        {"loss": 1.0, "cer": 0.25, "samples": 4000.0, "odd": math.nan},
    )
    assert merged["loss"] == [(1, 2.0), (2, 1.0)]
    assert merged["cer"] == [(2, 0.5), (3, 0.25)]
    assert merged["samples"] == [(0, 4000.0)]
    assert len(merged["odd"]) == 1
