"""The mirror of a real MLflow server, fed by the plain mlflow client."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from mlflow import MlflowClient
from mlflow.entities import Metric
from pytest_django import Settings

from experiments import sync
from experiments.models import Experiment, MetricSeries, Run, RunMetric
from integrations.errors import IntegrationError
from integrations.mlflow_reading import MLflowReader
from integrations.mlflow_server import MLflowServer
from tests.mirror import curve, log_run, no_reconciliation, old, settle
from tests.servers import Server, free_port

ODD = (math.nan, 1.5, math.inf, -math.inf)

pytestmark = pytest.mark.django_db


def test_a_run_logged_with_the_plain_client_is_mirrored_with_everything(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run_id = log_run(client, experiment, finish=False)
    client.set_tag(run_id, "team", "영수증")
    client.log_metric(run_id, "loss", 0.25, step=2)
    client.set_terminated(run_id)
    settle(server)

    run = Run.objects.get(run_id=run_id)
    assert run.experiment == Experiment.objects.get(experiment_id=experiment)
    assert (run.name, run.status, run.lifecycle_stage) == ("by hand", "FINISHED", "active")
    assert run.params == {"lr": "0.1"}
    assert run.metrics == {"loss": 0.25}
    assert run.tags["team"] == "영수증"
    assert run.started_at is not None
    assert run.ended_at is not None
    assert abs(run.ended_at - timezone.now()) < timedelta(minutes=1)
    assert list(run.latest.values_list("key", "value")) == [("loss", 0.25)]
    assert curve(run, "loss") == [(1, 0.5), (2, 0.25)]
    assert run.series.get().length == 2


def test_a_pass_that_finds_nothing_new_writes_no_run(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    log_run(client, experiment)
    log_run(client, experiment, finish=False)
    settle(server)
    before = list(Run.objects.order_by("pk").values())

    with CaptureQueriesContext(connection) as queries:
        report = sync.synchronise(server)
    assert (report.written, report.series) == (0, 0)
    assert list(Run.objects.order_by("pk").values()) == before
    writes = [q["sql"] for q in queries if not q["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))]
    assert all("experiments_syncstate" in write for write in writes)
    assert 0 < len(writes) <= 3


def test_a_run_that_goes_on_is_read_again_however_old_it_is(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    going_on = log_run(client, experiment, start=old(), finish=False)
    settle(server)
    with no_reconciliation():
        client.log_metric(going_on, "loss", 0.125, step=7)
        assert sync.synchronise(server).written == 1
        assert Run.objects.get(run_id=going_on).metrics == {"loss": 0.125}
        client.set_terminated(going_on, "FAILED")
        sync.synchronise(server)
    run = Run.objects.get(run_id=going_on)
    assert run.status == "FAILED"
    assert curve(run, "loss") == [(1, 0.5), (7, 0.125)]


def test_the_curves_of_runs_that_go_on_are_read_at_most_every_few_seconds(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = log_run(client, experiment, finish=False)
    settle(server)
    client.log_metric(run_id, "loss", 0.25, step=2)
    client.log_metric(run_id, "other", 1.0, step=2)
    assert sync.synchronise(server).series == 0
    monkeypatch.setattr("experiments.mirror_series.LIVE_INTERVAL", 0.0)
    assert sync.synchronise(server).series == 1
    lengths = dict(MetricSeries.objects.filter(run__run_id=run_id).values_list("key", "length"))
    assert lengths == {"loss": 2, "other": 1}
    client.set_terminated(run_id)


def test_of_a_run_that_goes_on_only_what_is_new_is_read_unless_something_came_late(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.mirror_series.LIVE_INTERVAL", 0.0)
    read: list[int] = []
    history = MLflowReader._history
    run_id = str(client.create_run(experiment).info.run_id)

    def counted(*arguments: Any, **options: Any) -> Any:
        points, truncated = history(*arguments, **options)
        if run_id in arguments:  # and not one that another test left running
            read.append(len(points))
        return points, truncated

    monkeypatch.setattr(MLflowReader, "_history", counted)
    log = partial(client.log_batch, run_id)
    log([Metric("loss", float(step), 10 * step, step) for step in range(1, 21)])
    settle(server)
    log([Metric("loss", float(step), 10 * step, step) for step in (21, 22)])
    settle(server)
    assert read == [20, 3]
    # By time, the first slips in between; by step, the second does; and a step is repeated.
    log([Metric("loss", 0.5, 55, 5), Metric("loss", 0.25, 225, 3), Metric("loss", math.nan, 230, 22)])
    settle(server)
    assert read == [20, 3, 4, 25]
    log([Metric("loss", 7.0, 240, 7), Metric("loss", 23.0, 250, 23)])
    settle(server)
    assert read[4:] == [3]
    found = curve(Run.objects.get(run_id=run_id), "loss")
    assert [step for step, _value in found] == sorted([*range(1, 24), 3, 5, 7, 22])
    assert found[2:4] == [(3, 3.0), (3, 0.25)]
    client.set_terminated(run_id)
    settle(server)
    assert len(curve(Run.objects.get(run_id=run_id), "loss")) == 27


def test_everything_is_mirrored_on_request_and_that_takes_no_longer_than_it_must(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    settle(server)
    late = log_run(client, experiment, start=old())
    seen: list[int] = []
    report = sync.reconcile(lambda total: seen.append(total.written), server)
    assert report.written == 1
    assert Run.objects.filter(run_id=late).exists()
    assert seen[-1] == 1


def test_the_command_mirrors_and_says_in_one_line_when_it_cannot(
    process: Server, client: MlflowClient, experiment: str, settings: Settings
) -> None:
    run_id = log_run(client, experiment)
    settings.MLFLOW_TRACKING_URI = process.url
    call_command("sync_mlflow")
    assert Run.objects.filter(run_id=run_id).exists()
    settings.MLFLOW_TRACKING_URI = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("sync_mlflow", "--once")


def test_values_that_are_no_numbers_and_texts_that_are_too_long_are_stored_safely(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run_id = str(client.create_run(experiment, run_name="n" * 3_000).info.run_id)
    points = [Metric("loss", value, 1_700_000_000_000 + step, step) for step, value in enumerate(ODD)]
    client.log_batch(run_id, metrics=points)
    client.log_metric(run_id, "nan", math.nan)
    client.set_tag(run_id, "long", "t" * 7_900)
    client.set_tag(run_id, "nul", "a\x00b")
    client.set_terminated(run_id)
    settle(server)

    run = Run.objects.get(run_id=run_id)
    assert len(run.name) == 500
    assert run.name.endswith("…")
    assert run.tags["long"] == "t" * 7_900
    assert run.tags["nul"] == "a\ufffdb"
    assert run.metrics == {"loss": "-Infinity", "nan": "NaN"}
    assert dict(run.latest.values_list("key", "value")) == {"loss": None, "nan": None}
    assert str([value for _step, value in curve(run, "loss")]) == "[nan, 1.5, inf, -inf]"


def test_a_run_from_beyond_the_calendar_does_not_stop_the_mirror(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    odd = log_run(client, experiment, start=9_000_000_000_000_000)
    plain = log_run(client, experiment)
    settle(server)
    assert Run.objects.get(run_id=odd).started_at is None
    assert Run.objects.filter(run_id=plain).exists()
    client.delete_run(odd)


def test_mirroring_one_run_shows_it_at_once_with_its_curves(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run_id = log_run(client, experiment)
    run = sync.mirror_run(run_id, server)
    assert run.metrics == {"loss": 0.5}
    assert run.series.get().length == 1
    assert sync.mirror_run(run_id, server).pk == run.pk
    assert Run.objects.count() == 1
    with pytest.raises(IntegrationError) as caught:
        sync.mirror_run("f" * 32, server)
    assert caught.value.permanent


def test_a_metric_that_is_gone_loses_its_row(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run = sync.mirror_run(log_run(client, experiment), server)
    RunMetric.objects.create(run=run, key="never logged", value=1.0)
    Run.objects.filter(pk=run.pk).update(digest="")
    sync.mirror_run(run.run_id, server)
    assert list(run.latest.values_list("key", flat=True)) == ["loss"]


def test_a_run_with_ten_thousand_metrics_is_mirrored_whole_and_some_of_its_curves(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.mirror_histories.MAX_METRICS", 50)
    run_id = str(client.create_run(experiment).info.run_id)
    for start in range(0, 10_000, 1_000):
        client.log_batch(
            run_id, [Metric(f"layer.{key:05}", float(key), 1, 1) for key in range(start, start + 1_000)]
        )
    client.set_terminated(run_id)
    settle(server)
    run = Run.objects.get(run_id=run_id)
    assert run.metrics == {f"layer.{key:05}": float(key) for key in range(10_000)}
    assert run.latest.count() == 10_000
    assert sorted(run.series.values_list("key", flat=True)) == [f"layer.{key:05}" for key in range(50)]
