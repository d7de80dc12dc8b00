"""The curve of a sweep: each value, and the best so far."""

import json

import pytest
from plotly import graph_objects

from experiments import sweep_chart

POINTS = [(1, 0.5), (2, 0.75), (4, 0.25)]


@pytest.mark.parametrize(("smaller", "best"), [(True, [0.5, 0.5, 0.25]), (False, [0.5, 0.75, 0.75])])
def test_the_best_so_far_follows_the_direction(smaller: bool, best: list[float]) -> None:
    drawn = graph_objects.Figure(json.loads(sweep_chart.figure(POINTS, objective="cer", smaller=smaller)))
    assert list(drawn.data[0].x) == [1, 2, 4]
    assert list(drawn.data[1].y) == best
    assert (drawn.layout.xaxis.dtick, drawn.layout.yaxis.title.text) == (1, "cer")


def test_of_many_runs_not_each_has_a_mark_and_none_is_no_fault() -> None:
    many = [(number, 1.0) for number in range(1, 40)]
    assert "dtick" not in sweep_chart.figure(many, objective="cer", smaller=True)
    assert json.loads(sweep_chart.figure([], objective="cer", smaller=True))["data"][0]["x"] == []
