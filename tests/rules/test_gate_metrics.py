"""The gate of metrics: limits, directions, tolerances, and what counts as no number."""

from decimal import Decimal
from math import inf, isfinite, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import gates
from registry.gates.gate import Facts, GateResult, Status
from registry.gates.options import SettingsError
from registry.policy_rules import GateSetting

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
ROOM = st.floats(min_value=0, max_value=1e6)


def said(
    metrics: dict[str, float], theirs: dict[str, float] | None = None, *rules: dict[str, Any], **config: Any
) -> GateResult:
    facts = Facts(
        "1.1.0",
        "Production",
        False,
        metrics,
        (),
        incumbent="" if theirs is None else "1.0.0",
        incumbent_metrics=theirs or {},
        goals={"val_cer": "min", "val_loss": "min", "val_accuracy": "max", "size": "unknown"},
    )
    (found,) = gates.judge(facts, [GateSetting("metrics", config={"rules": list(rules), **config})])
    return found.result


def rule(metric: str = "val_cer", **changes: Any) -> dict[str, Any]:
    return {"metric": metric, **changes}


@given(value=FINITE, baseline=FINITE, room=ROOM)
def test_smaller_is_better_up_to_an_absolute_tolerance(value: float, baseline: float, room: float) -> None:
    result = said({"m": value}, {"m": baseline}, rule("m", goal="min", tolerance=room, unit="absolute"))
    limit = Decimal(str(baseline)) + Decimal(str(room))
    assert result.passed is (Decimal(str(value)) <= limit)
    assert_margin(result)


@given(value=FINITE, baseline=FINITE, room=ROOM)
def test_larger_is_better_up_to_an_absolute_tolerance(value: float, baseline: float, room: float) -> None:
    result = said({"m": value}, {"m": baseline}, rule("m", goal="max", tolerance=room, unit="absolute"))
    limit = Decimal(str(baseline)) - Decimal(str(room))
    assert result.passed is (Decimal(str(value)) >= limit)
    assert_margin(result)


@given(value=FINITE, baseline=FINITE, percent=ROOM)
def test_both_directions_mirror_each_other(value: float, baseline: float, percent: float) -> None:
    down = said({"m": value}, {"m": baseline}, rule("m", goal="min", tolerance=percent))
    up = said({"m": -value}, {"m": -baseline}, rule("m", goal="max", tolerance=percent))
    assert (down.status, down.margin) == (up.status, up.margin)


@given(value=FINITE)
def test_the_same_value_as_production_passes_without_any_tolerance(value: float) -> None:
    for goal in ("min", "max"):
        result = said({"m": value}, {"m": value}, rule("m", goal=goal, tolerance=0))
        assert (result.status, result.margin) == (Status.PASSED, "0")


@given(value=FINITE, least=FINITE, most=FINITE)
def test_fixed_limits_hold_whatever_is_in_production(value: float, least: float, most: float) -> None:
    least, most = sorted((least, most))
    result = said({"m": value}, None, rule("m", at_least=least, at_most=most, compare=False))
    assert result.passed is (least <= value <= most)
    assert_margin(result)


@given(room=ROOM, more=ROOM, value=FINITE, baseline=FINITE)
def test_more_tolerance_never_makes_a_metric_fail(
    room: float, more: float, value: float, baseline: float
) -> None:
    tight = said({"m": value}, {"m": baseline}, rule("m", goal="min", tolerance=room))
    loose = said({"m": value}, {"m": baseline}, rule("m", goal="min", tolerance=room + more))
    assert loose.passed or not tight.passed


def assert_margin(result: GateResult) -> None:
    """A margin is good with a plus, bad with a minus, and nothing without a sign."""
    assert result.passed is not result.margin.startswith("-")
    assert result.margin == "0" or result.margin[0] in "+-"


def test_limits_are_those_that_people_read_and_not_those_of_binary_fractions() -> None:
    result = said({"m": 0.8}, {"m": 0.7}, rule("m", goal="min", tolerance=0.1, unit="absolute"))
    assert 0.7 + 0.1 < 0.8
    assert result.passed


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_no_finite_number_fails(value: float) -> None:
    assert not isfinite(value)
    for one in (rule(), rule(compare=False), rule(at_most=1)):
        result = said({"val_cer": value}, {"val_cer": 0.1}, one)
        assert (result.status, result.reason) == (Status.FAILED, "val_cer is not a finite number.")


def test_a_metric_that_is_not_recorded_fails() -> None:
    assert said({}, {"val_cer": 0.1}, rule()).reason == "val_cer is not recorded."


def test_without_a_version_in_production_only_fixed_limits_count() -> None:
    assert said({"val_cer": 0.5}, None, rule()).passed
    assert not said({"val_cer": 0.5}, None, rule(at_most=0.4)).passed


@pytest.mark.parametrize("theirs", [{}, {"val_cer": nan}])
def test_a_metric_that_production_lacks_cannot_be_compared_and_says_so(theirs: dict[str, float]) -> None:
    result = said({"val_cer": 0.5}, theirs, rule())
    assert result.passed
    assert "1.0.0 in Production has none" in result.reason


def test_the_key_metrics_are_held_against_production_where_no_metric_is_named() -> None:
    theirs = {"val_cer": 0.0100, "val_accuracy": 0.95, "other": 1.0}
    assert said({"val_cer": 0.0105, "val_accuracy": 0.95}, theirs).passed
    worse = said({"val_cer": 0.01051, "val_accuracy": 0.99}, theirs)
    assert worse.reason == "Not good enough: val_cer."
    assert (worse.value, worse.threshold, worse.margin) == ("1 / 2", "2 / 2", "-1")
    assert [row.name for row in worse.rows] == ["val_cer", "val_accuracy"]
    missing = said({"val_cer": 0.01}, theirs)
    assert missing.reason == "Not good enough: val_accuracy."
    assert said({"val_cer": 0.012}, theirs, tolerance=20).rows[1].threshold == "≤ 0.012"


def test_without_any_key_metric_nothing_passes() -> None:
    assert said({"other": 1.0}, None).status is Status.FAILED


def test_the_nearest_of_several_limits_is_told() -> None:
    result = said({"val_cer": 0.2}, {"val_cer": 0.15}, rule(at_most=0.5, tolerance=0))
    assert not result.passed
    assert result.reason == "val_cer is beyond its limit (≤ 0.15); 1.0.0 has 0.15."
    assert (result.value, result.threshold, result.margin) == ("0.2", "≤ 0.5, ≤ 0.15", "-0.05")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (rule(at_least="1"), "rules.0.at_least"),
        (rule(at_least=nan), "rules.0.at_least"),
        (rule(at_least=True), "rules.0.at_least"),
        (rule(at_least=2, at_most=1), "rules.0.at_most"),
        (rule(tolerance=-1), "rules.0.tolerance"),
        (rule(unit="metres"), "rules.0.unit"),
        (rule(goal="sideways"), "rules.0.goal"),
        (rule("size"), "rules.0.goal"),
        (rule(""), "rules.0.metric"),
        (rule(" val_cer"), "rules.0.metric"),
        ({"compare": True}, "rules.0.metric"),
        ("val_cer", "rules.0"),
    ],
)
def test_settings_that_cannot_be_used_are_named_by_their_place(given: Any, field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        gates.configured(GateSetting("metrics", config={"rules": [given]}))
    assert set(caught.value.errors) == {field}


def test_a_metric_stands_in_the_list_once() -> None:
    with pytest.raises(SettingsError) as caught:
        gates.configured(GateSetting("metrics", config={"rules": [rule(), rule()]}))
    assert set(caught.value.errors) == {"rules.1.metric"}


def test_too_many_metrics_are_refused() -> None:
    many = [rule(f"loss_{number}") for number in range(101)]
    with pytest.raises(SettingsError):
        gates.configured(GateSetting("metrics", config={"rules": many}))
