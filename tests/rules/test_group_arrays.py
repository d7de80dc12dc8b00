"""Runs in groups, as arrays."""

import math
import statistics

import pytest

from experiments.group_arrays import Groups
from experiments.metric_goals import Goal


def test_the_largest_groups_come_first_and_the_rest_is_left_out() -> None:
    found = Groups.of([[(3, "b"), (1, "a"), (2, "a"), (9, "c"), (8, "c"), (7, "c")]], most=2)
    assert (found.values, found.sizes, found.more) == ([("c",), ("a",)], [3, 2], True)
    assert found.runs.tolist() == [1, 2, 7, 8, 9]
    assert found.codes.tolist() == [1, 1, 0, 0, 0]


def test_two_keys_group_the_runs_that_have_both() -> None:
    first, second = [(1, "x"), (2, "x"), (3, "y"), (4, "x")], [(4, "1"), (2, "1"), (1, "2"), (9, "1")]
    found = Groups.of([first, second], most=10)
    assert dict(zip(found.values, found.sizes, strict=True)) == {("x", "1"): 2, ("x", "2"): 1}


def test_two_keys_of_many_values_are_not_multiplied() -> None:
    many = [(number, str(number)) for number in range(50_000)]
    found = Groups.of([many, many], most=3)
    assert (len(found.values), found.more) == (3, True)


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e-9])
def test_a_metric_is_summed_up_as_statistics_does_it(offset: float) -> None:
    values = [offset + number / 7 for number in (3, 1, 4, 1, 5)]
    found = Groups.of([[(run, "a") for run in range(5)] + [(7, "b"), (8, "none")]], most=9)
    one, two, none = found.summaries([(7, 2.5), *enumerate(values), (99, 1.0)], Goal.MIN)
    assert one is not None
    assert (one.count, one.low, one.high, one.best) == (5, min(values), max(values), 1)
    assert one.mean == pytest.approx(statistics.fmean(values))
    assert one.spread == pytest.approx(statistics.stdev(values), rel=1e-6)
    assert two is not None
    assert (two.mean, two.spread, two.best) == (2.5, None, 7)
    assert none is None


def test_the_best_run_depends_on_the_goal_and_huge_values_do_no_harm() -> None:
    found = Groups.of([[(1, "a"), (2, "a")]], most=1)
    [most] = found.summaries([(1, 1e308), (2, -1e308)], Goal.MAX)
    assert most is not None
    assert (most.best, most.spread is None or math.isfinite(most.spread)) == (1, True)
    [unknown] = found.summaries([(1, 1.0)], Goal.UNKNOWN)
    assert unknown is not None
    assert unknown.best is None


def test_of_nothing_there_are_no_groups() -> None:
    found = Groups.of([[], []], most=5)
    assert (found.values, found.more, found.summaries([(1, 2.0)], Goal.MIN)) == ([], False, [])
