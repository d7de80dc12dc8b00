"""Points of several metrics as one table."""

import math

from experiments.points_table import PointsTable
from experiments.series import Series


def table(**series: tuple[list[int], list[float]]) -> PointsTable:
    made = {key: Series.of(steps, [0] * len(steps), values) for key, (steps, values) in series.items()}
    return PointsTable(list(made), made)


def test_points_of_the_same_step_are_one_row_and_missing_ones_are_empty() -> None:
    found = table(a=([1, 2, 4], [0.1, 0.2, 0.4]), b=([2, 3], [20, math.nan]))
    rows = list(found)
    assert rows[:2] == [(1, [0.1, None]), (2, [0.2, 20])]
    assert rows[2][0] == 3
    assert rows[2][1][0] is None
    assert str(rows[2][1][1]) == "nan"
    assert rows[3] == (4, [0.4, None])
    assert len(found) == 4
    assert [step for step, _values in found[1:3]] == [2, 3]


def test_a_step_that_was_logged_twice_has_two_rows() -> None:
    found = table(a=([1, 1, 2], [0.1, 0.2, 0.3]), b=([1, 2, 2], [1, 2, 3]))
    assert list(found) == [(1, [0.1, 1]), (1, [0.2, None]), (2, [0.3, 2]), (2, [None, 3])]


def test_steps_out_of_order_are_put_in_order() -> None:
    found = table(a=([3, 1, 3, 2], [30, 10, 31, 20]))
    assert list(found) == [(1, [10]), (2, [20]), (3, [30]), (3, [31])]


def test_a_metric_without_points_is_an_empty_column() -> None:
    found = PointsTable(["a", "b"], {"a": Series.of([1], [0], [1.5])})
    assert (list(found), len(found)) == ([(1, [1.5, None])], 1)
    assert list(PointsTable([], {})) == []
