"""Curves as figures."""

import json
import math
from typing import Any

import numpy as np
from plotly import graph_objects

from experiments import charts
from experiments.series import Series


def points(values: list[float], *, start: int = 1_000_000) -> Series:
    times = [start + 1000 * index for index in range(len(values))]
    return Series.of(range(len(values)), times, values)


def drawn(values: list[float], **options: Any) -> dict[str, Any]:
    group = charts.Group("loss", ("loss",))
    return json.loads(charts.figure(group, {"loss": points(values)}, **options))


def test_the_same_measure_on_different_data_is_one_picture_and_telling_ones_come_first() -> None:
    keys = ["train_loss", "val_loss", "zeta", "val_cer", "lr", "system/cpu", "valid/map", "test.map"]
    found = [(group.title, group.keys) for group in charts.groups(keys)]
    assert found == [
        ("val_cer", ("val_cer",)),
        ("loss", ("train_loss", "val_loss")),
        ("lr", ("lr",)),
        ("map", ("test.map", "valid/map")),
        ("zeta", ("zeta",)),
        ("system/cpu", ("system/cpu",)),
    ]


def test_a_figure_is_one_that_plotly_accepts_and_brings_no_look_of_its_own() -> None:
    figure = drawn([3.0, 2.0, 1.0])
    graph_objects.Figure(figure)
    assert "template" not in figure["layout"]
    (line,) = figure["data"]
    assert (line["x"], line["y"], line["mode"]) == ([0, 1, 2], [3.0, 2.0, 1.0], "lines+markers")


def test_the_horizontal_axis_can_be_time() -> None:
    assert drawn([1.0, 2.0], axis="relative")["data"][0]["x"] == [0.0, 1.0]
    wall = drawn([1.0, 2.0], axis="wall")
    assert wall["layout"]["xaxis"]["type"] == "date"
    assert wall["data"][0]["x"] == [1_000_000, 1_001_000]


def test_values_can_be_drawn_logarithmically() -> None:
    assert drawn([1.0], log=True)["layout"]["yaxis"]["type"] == "log"


def test_values_that_are_no_numbers_are_gaps() -> None:
    (line,) = drawn([1.0, math.nan, 2.0, math.inf])["data"]
    assert line["y"] == [1.0, None, 2.0, None]


def test_a_long_curve_is_thinned_and_keeps_its_extremes_its_ends_and_its_gaps() -> None:
    values = [math.sin(index / 3000) for index in range(100_000)]
    values[41_234], values[77_777] = 50.0, -50.0
    values[60_000:60_010] = [math.nan] * 10
    kept = charts.thinned(np.array(values)).tolist()
    assert len(kept) <= charts.MAX_POINTS + 1
    assert {0, 41_234, 77_777, 60_000, 99_999} <= set(kept)
    assert kept == sorted(kept)


def test_a_curve_of_nothing_but_gaps_does_not_end_the_page() -> None:
    assert len(charts.thinned(np.full(5000, math.nan))) <= 1
    assert drawn([])["data"][0].get("y") in (None, [])


def test_a_missing_curve_leaves_the_others() -> None:
    group = charts.Group("loss", ("train_loss", "val_loss"))
    figure = json.loads(charts.figure(group, {"val_loss": points([1.0])}))
    assert [line["name"] for line in figure["data"]] == ["val_loss"]
