"""Filters of the table of runs on the database, compared with plain Python."""

import math
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from experiments import filter_queries, filters
from experiments.filters import FilterError
from experiments.mirror_rows import write_runs
from experiments.models import Run
from integrations.mlflow_records import MetricPoint, RunRecord
from tests.runs import make_experiment

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)
LONG = "x" * 249 + "한" * 30


def record(name: str, *, days: float = 1, seconds: float | None = 60, **changes: Any) -> RunRecord:
    start = NOW - timedelta(days=days)
    end = None if seconds is None else start + timedelta(seconds=seconds)
    values: dict[str, Any] = {
        "run_id": name.encode().hex().ljust(32, "0"),
        "experiment_id": "7",
        "name": name,
        "status": "FINISHED",
        "start_time": int(start.timestamp() * 1000),
        "end_time": None if end is None else int(end.timestamp() * 1000),
        "user": "colleague",
        "artifact_uri": "",
        "lifecycle_stage": "active",
        "params": {},
        "tags": {},
    }
    metrics = changes.pop("metrics", {})
    points = tuple(MetricPoint(key, value, 0) for key, value in metrics.items())
    return RunRecord(**{**values, **changes}, latest_points=points)


@pytest.fixture(autouse=True)
def runs() -> None:
    make_experiment("7", "digits")
    records = [
        record("Adam", metrics={"val_cer": 0.02, "a b": 1}, params={"opt": "Adam", "lr": "0.01"}),
        record("adamw", metrics={"val_cer": 0.05}, params={"opt": "AdamW", "lr": "1e-3"}, tags={"team": "x"}),
        record("sgd", metrics={"val_cer": math.nan}, params={"opt": "SGD", "lr": "auto"}, tags={"team": "y"}),
        record("old", days=30, seconds=7200, user="", params={"opt": "a%b*c[d]_", "lr": "0.0100"}),
        record("live", status="RUNNING", days=0.001, seconds=None, tags={"note": LONG, "team": "X"}),
    ]
    write_runs(records, now=NOW)


CASES = [
    ("metrics.val_cer < 0.05", "Adam"),
    ("metrics.val_cer <= 0.05", "Adam adamw"),
    ("metrics.val_cer != 0.05", "Adam"),
    ("metrics.val_cer in (0.05, 7)", "adamw"),
    ("metrics.val_cer is null", "live old"),
    ("metrics.val_cer is not null", "Adam adamw sgd"),
    ("metrics.`a b` = 1", "Adam"),
    ('params.opt = "Adam"', "Adam"),
    ("params.opt != Adam", "adamw old sgd"),
    ("params.opt like 'Adam%'", "Adam adamw"),
    ("params.opt like 'adam%'", ""),
    ("params.opt ilike 'adam_'", "adamw"),
    ("params.opt not like '%d%'", "sgd"),
    ("params.opt like '%*c[d]%'", "old"),
    ("params.opt in (Adam, SGD)", "Adam sgd"),
    ("params.opt not in (Adam, SGD)", "adamw old"),
    ("params.lr = 0.01", "Adam old"),
    ('params.lr = "0.01"', "Adam"),
    ("params.lr < 0.01", "adamw"),
    ("params.lr >= '0.001'", "Adam adamw old"),
    ("tags.team = x", "adamw"),
    ("tags.team != x", "live sgd"),
    ("tags.team is null", "Adam old"),
    ("not tags.team = x", "Adam live old sgd"),
    (f'tags.note = "{LONG}"', "live"),
    (f'tags.note = "{LONG[:-1]}"', ""),
    (f'tags.note != "{LONG[:-1]}"', "live"),
    (f'tags.note in ("{LONG}")', "live"),
    ("status = RUNNING", "live"),
    ("status != 'RUNNING' and user = colleague", "Adam adamw sgd"),
    ("user is null", "old"),
    ("name ilike 'ADAM%'", "Adam adamw"),
    ("experiment = digits and name = sgd", "sgd"),
    ("experiment_id = 7 and name = sgd", "sgd"),
    ('start > "-7d" and status = FINISHED', "Adam adamw sgd"),
    ("start < -2w", "old"),
    ("end is null", "live"),
    ("start < '2020-01-31'", ""),
    ("start > '2020-01-31 12:00'", "Adam adamw live old sgd"),
    ("start >= RECENTLY", "live"),
    ("duration > 60", "old"),
    ("duration >= '1m' and duration < 2h", "Adam adamw sgd"),
    ("duration is null", "live"),
    ("(name = sgd or name = old) and not user = colleague", "old"),
]


@pytest.mark.parametrize(("text", "names"), CASES)
def test_a_filter_finds_its_runs(text, names):
    recently = f"{(NOW.timestamp() - 200) * 1000:.0f}"
    expression = filters.parse(text.replace("RECENTLY", recently))
    assert expression is not None
    rows = Run.objects.filter(filter_queries.condition(expression, now=NOW))
    assert " ".join(sorted(rows.values_list("name", flat=True))) == names


FAULTS = [
    ("metrics.val_cer = abc", "compared with a number"),
    ("metrics.val_cer like 'x'", "cannot be compared with a pattern"),
    ("params.lr < fast", "compared with a number"),
    ("status < FINISHED", "is a text"),
    ("tags.team >= a", "is a text"),
    ("start > soon", "A time is written"),
    ("start > '2026-13-45'", "A time is written"),
    ("start > -999999w", "A time is written"),
    ("start > 1e300", "A time is written"),
    ("start like 'x'", "A time is compared"),
    ("duration = 5", "A duration is compared"),
    ("duration > long", "A duration is a number"),
    (f'tags.note like "{"a" * 300}"', "less than 250"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_value_that_does_not_fit_is_refused_with_its_place(text, message):
    expression = filters.parse(f"status = a and {text}")
    assert expression is not None
    with pytest.raises(FilterError) as caught:
        filter_queries.condition(expression)
    assert message in str(caught.value)
    assert caught.value.start == len("status = a and ")


def test_what_a_run_no_longer_has_is_not_found_by_it():
    changed = record("Adam", metrics={"val_loss": 1.0}, params={"lr": "0.02"}, tags={"team": "z"})
    write_runs([changed], now=NOW)
    for text, names in [
        ("metrics.val_cer < 1", ["adamw"]),
        ("params.opt = Adam", []),
        ("params.lr = 0.02", ["Adam"]),
        ("tags.team = z", ["Adam"]),
    ]:
        expression = filters.parse(text)
        assert expression is not None
        rows = Run.objects.filter(filter_queries.condition(expression))
        assert list(rows.values_list("name", flat=True)) == names
