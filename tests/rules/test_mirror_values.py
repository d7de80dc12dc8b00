"""What MLflow says, as values that our columns accept."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.mirror_values import MAX_KEY, data_key, experiment_columns, moment, number, run_values
from experiments.stored_text import text
from integrations.mlflow_records import DatasetInput, ExperimentRecord, MetricPoint, RunRecord

RUN = RunRecord(
    run_id="f" * 32,
    experiment_id="1",
    name="a run",
    status="RUNNING",
    start_time=1_700_000_000_000,
    end_time=None,
    user="me",
    artifact_uri="mlflow-artifacts:/1",
    lifecycle_stage="active",
    params={"lr": "0.1"},
    latest_points=(MetricPoint("loss", 0.5, 1_700_000_000_000, 3),),
    tags={"t": "v"},
)


def test_a_run_becomes_columns_latest_values_and_digests() -> None:
    values = run_values(RUN)
    assert values.columns["started_at"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert values.columns["ended_at"] is None
    assert values.latest == {"loss": 0.5}
    assert (len(values.digest), len(values.series_digest)) == (64, 64)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"},
        {"status": "FINISHED"},
        {"end_time": 5},
        {"params": {"lr": "0.2"}},
        {"tags": {}},
        {"lifecycle_stage": "deleted"},
        {"latest_points": ()},
        {"experiment_id": "2"},
    ],
)
def test_every_change_changes_the_digest(change: dict[str, Any]) -> None:
    assert run_values(replace(RUN, **change)).digest != run_values(RUN).digest


def test_the_order_of_what_mlflow_says_does_not_count() -> None:
    points = tuple(MetricPoint(key, 1.0, 2, 3) for key in "abc")
    one = replace(RUN, latest_points=points, params={"a": "1", "b": "2"})
    other = replace(RUN, latest_points=points[::-1], params={"b": "2", "a": "1"})
    assert run_values(one) == run_values(other)


def test_histories_are_read_again_for_a_new_point_and_at_the_end_of_a_run_only() -> None:
    series = run_values(RUN).series_digest
    later = replace(RUN, latest_points=(MetricPoint("loss", 0.5, 1_700_000_000_000, 4),))
    assert run_values(later).series_digest != series
    assert run_values(replace(RUN, status="FINISHED")).series_digest != series
    assert run_values(replace(RUN, status="SCHEDULED")).series_digest == series
    assert run_values(replace(RUN, tags={"other": "x"})).series_digest == series


def test_a_metric_with_a_name_too_long_for_its_column_keeps_its_value_alone() -> None:
    values = run_values(replace(RUN, latest_points=(MetricPoint("x" * 251, 1.5, 0, 0),)))
    assert values.latest == {}
    assert values.columns["metrics"] == {"x" * 251: 1.5}


@pytest.mark.parametrize(
    ("milliseconds", "year"), [(None, None), (0, None), (-1, None), (1, 1970), (10**17, None), (2**63, None)]
)
def test_a_time_beyond_the_calendar_is_none(milliseconds: int | None, year: int | None) -> None:
    found = moment(milliseconds)
    assert (found.year if found else None) == year


@given(st.text(), st.integers(1, 20))
def test_any_text_can_be_stored_and_fits(value: str, limit: int) -> None:
    found = text(value, limit)
    assert len(found) <= limit
    assert "\x00" not in found
    found.encode("utf-8")
    if len(value) <= limit and value.isprintable():
        assert found == value


def test_an_infinity_has_a_name() -> None:
    assert [number(one) for one in (math.inf, -math.inf, math.nan, 0.5)] == [
        "Infinity",
        "-Infinity",
        "NaN",
        0.5,
    ]


def test_an_experiment_becomes_columns() -> None:
    record = ExperimentRecord("7", "x" * 600, "s3://x", "active", 1_700_000_000_000, 0, {"a": "\x00"})
    columns = experiment_columns(record)
    assert len(columns["name"]) == 500
    assert columns["tags"] == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("name", "digest", "key"),
    [
        ("digit scans", "1f0c94a3", "1f0c94a3~digit_scans"),
        ("me@work", "1f0c94a3", "1f0c94a3~me_work"),
        ("any", "a" * 32, "a" * 32),
        ("any", "a" * 32 + ".dir", "a" * 32 + ".dir"),
        ("any", "", ""),
    ],
)
def test_data_of_runs_are_told_apart_by_a_whole_hash_or_by_digest_and_name(
    name: str, digest: str, key: str
) -> None:
    assert data_key(name, digest) == key


@given(st.text(max_size=300), st.text(max_size=300))
def test_keys_of_data_fit_their_column_and_long_names_stay_apart(name: str, digest: str) -> None:
    assert len(data_key(name, digest)) <= MAX_KEY
    assert data_key(f"{name}{'x' * MAX_KEY}1", "1f") != data_key(f"{name}{'x' * MAX_KEY}2", "1f")


def test_each_data_set_of_a_run_is_kept_once_and_those_without_a_digest_have_no_key() -> None:
    told = [("a", "1"), ("a", "1"), ("b", ""), ("c", "2")]
    inputs = tuple(DatasetInput(name, digest, "s3", "s3://x", "training") for name, digest in told)
    assert run_values(replace(RUN, inputs=inputs)).data == {"1~a": "a", "2~c": "c"}
