"""Curves as figures."""

import base64
import json
import math
from typing import Any

import numpy as np
from plotly import graph_objects

from experiments import charts, curves
from experiments.series import Series


def points(values: list[float], *, start: int = 1_000_000) -> Series:
    times = [start + 1000 * index for index in range(len(values))]
    return Series.of(range(len(values)), times, values)


def drawn(values: list[float], **options: Any) -> dict[str, Any]:
    group = charts.Group("loss", ("loss",))
    return json.loads(charts.figure(group, {"loss": points(values)}, curves.Drawing(**options)))


def read(column: dict[str, str]) -> list[float | None]:
    numbers = np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"])
    return [None if math.isnan(number) else number for number in numbers.tolist()]


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
    assert (read(line["x"]), read(line["y"]), line["mode"]) == ([0, 1, 2], [3.0, 2.0, 1.0], "lines+markers")


def test_the_horizontal_axis_can_be_time() -> None:
    assert read(drawn([1.0, 2.0], axis="relative")["data"][0]["x"]) == [0.0, 1.0]
    wall = drawn([1.0, 2.0], axis="wall")
    assert wall["layout"]["xaxis"]["type"] == "date"
    assert read(wall["data"][0]["x"]) == [1_000_000, 1_001_000]


def test_values_can_be_drawn_logarithmically() -> None:
    assert drawn([1.0], log=True)["layout"]["yaxis"]["type"] == "log"


def test_values_that_are_no_numbers_are_gaps() -> None:
    (line,) = drawn([1.0, math.nan, 2.0, math.inf])["data"]
    assert read(line["y"]) == [1.0, None, 2.0, None]


def test_a_long_curve_is_thinned_and_keeps_its_extremes_its_ends_and_its_gaps() -> None:
    values = [math.sin(index / 3000) for index in range(100_000)]
    values[41_234], values[77_777] = 50.0, -50.0
    values[60_000:60_010] = [math.nan] * 10
    kept = curves.thinned(np.array(values)).tolist()
    assert len(kept) <= curves.MAX_POINTS + 1
    assert {0, 41_234, 77_777, 60_000, 99_999} <= set(kept)
    assert kept == sorted(kept)


def test_a_curve_of_nothing_but_gaps_does_not_end_the_page() -> None:
    assert len(curves.thinned(np.full(5000, math.nan))) <= 1
    assert read(drawn([])["data"][0]["y"]) == []


def test_a_missing_curve_leaves_the_others() -> None:
    group = charts.Group("loss", ("train_loss", "val_loss"))
    figure = json.loads(charts.figure(group, {"val_loss": points([1.0])}))
    assert [line["name"] for line in figure["data"]] == ["val_loss"]


def test_smoothing_has_no_bias_leaves_gaps_and_is_the_same_in_blocks() -> None:
    values = np.array([1.0, math.nan, 3.0, *np.linspace(0, 5, 300), math.nan])
    found = curves.smoothed(values, 0.6)
    average, weight, expected = 0.0, 0.0, []
    for value in values:
        if math.isnan(value):
            expected.append(value)
            continue
        average, weight = 0.6 * average + 0.4 * value, 0.6 * weight + 0.4
        expected.append(average / weight)
    assert np.allclose(found, expected, equal_nan=True)
    assert np.isnan(curves.smoothed(np.full(3, math.nan), 0.5)).all()


def test_a_smoothed_curve_has_what_was_logged_faint_behind_it() -> None:
    raw, line = drawn([1.0, 5.0, 1.0, 5.0], smoothing=0.9)["data"]
    assert raw["opacity"] < 1
    assert read(raw["y"]) == [1.0, 5.0, 1.0, 5.0]
    assert read(line["y"])[3] < 5.0


def test_the_visible_part_is_drawn_finer() -> None:
    values = [math.sin(index / 7) for index in range(100_000)]
    whole = read(drawn(values)["data"][0]["x"])
    part = read(drawn(values, low=50_000, high=50_900)["data"][0]["x"])
    assert sum(50_000 <= x <= 50_900 for x in whole) < 100
    assert part == [float(x) for x in range(49_999, 50_902)]
    assert read(drawn(values, low=2e9, high=3e9)["data"][0]["x"]) == []


def test_an_address_asks_for_no_drawing_that_cannot_be() -> None:
    odd = {"x": "up", "y": "log", "smooth": "7", "from": "nan", "to": "12"}
    assert curves.drawing(odd) == curves.Drawing(log=True, smoothing=0.99, high=12.0)
    assert curves.drawing({"smooth": "-1e999"}) == curves.Drawing()
