"""The mirror of a server that deletes, forgets, is emptied, is far behind, is down or hangs."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from mlflow import MlflowClient

from experiments import mirror_state, sync
from experiments.models import Experiment, MetricSeries, Run, RunMetric, RunParam, SyncState
from experiments.selectors.mirror import mirror
from integrations.mlflow_server import MLflowServer
from tests.engine import database_url, wait
from tests.mirror import crowd, log_run, no_reconciliation, numbers, old, settle
from tests.servers import Server, free_port

pytestmark = pytest.mark.django_db


def test_a_finished_run_that_is_taken_up_again_is_seen(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run_id = log_run(client, experiment, start=old())
    crowd(client, experiment)
    settle(server)
    with no_reconciliation():
        client.update_run(run_id, status="RUNNING")
        sync.synchronise(server)
    assert Run.objects.get(run_id=run_id).status == "RUNNING"


def test_what_changes_in_an_old_run_is_found_by_the_reconciliation(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    monkeypatch.setattr("experiments.mirror_reconciling.LARGEST_PAGE", 3)
    edited, deleted, kept = (log_run(client, experiment, start=old()) for _ in range(3))
    crowd(client, experiment)
    settle(server)
    late = log_run(client, experiment, start=old())
    client.set_tag(edited, "note", "seen")
    client.delete_run(deleted)
    with no_reconciliation():
        sync.synchronise(server)
    assert not Run.objects.filter(run_id=late).exists()

    mirror_state.request_reconciliation()
    settle(server)
    assert Run.objects.get(run_id=edited).tags["note"] == "seen"
    assert Run.objects.get(run_id=deleted).lifecycle_stage == "deleted"
    assert Run.objects.get(run_id=kept).lifecycle_stage == "active"
    assert Run.objects.filter(run_id=late).exists()

    client.restore_run(deleted)
    mirror_state.request_reconciliation()
    settle(server)
    assert Run.objects.get(run_id=deleted).lifecycle_stage == "active"


def test_a_deleted_experiment_takes_its_old_runs_with_it_and_brings_them_back(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    first = log_run(client, experiment, start=old())
    crowd(client, str(client.create_experiment(f"experiment {next(numbers)}")))
    settle(server)
    client.delete_experiment(experiment)
    settle(server)
    assert Experiment.objects.get(experiment_id=experiment).lifecycle_stage == "deleted"
    assert Run.objects.get(run_id=first).lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    settle(server)
    assert Run.objects.get(run_id=first).lifecycle_stage == "active"


def test_a_server_that_was_emptied_erases_nothing_and_the_page_says_so(
    client: MlflowClient, server: MLflowServer, experiment: str, folder: Path
) -> None:
    runs = {log_run(client, experiment) for _ in range(3)}
    deleted = log_run(client, experiment)
    client.delete_run(deleted)
    settle(server)
    before = Run.objects.filter(lifecycle_stage="active").count()
    with closing(sqlite3.connect(folder / "mlflow.db")) as live, closing(sqlite3.connect(":memory:")) as kept:
        live.backup(kept)
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            live.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this test
        live.execute("DELETE FROM experiments WHERE experiment_id <> 0")
        live.commit()
        settle(server)
        assert set(Run.objects.filter(run_id__in=runs).values_list("lifecycle_stage", flat=True)) == {
            "deleted"
        }
        assert RunMetric.objects.filter(run__run_id__in=runs).count() == 3
        assert mirror().lost == before
        kept.backup(live)
    settle(server)
    assert Run.objects.filter(run_id__in=runs, lifecycle_stage="active").count() == 3
    assert mirror().lost == 0


def test_a_run_that_mlflow_has_no_more_is_marked_and_kept(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    there = log_run(client, experiment)
    settle(server)
    ours = Run.objects.get(run_id=there)
    ours.pk, ours.run_id = None, "0" * 32
    ours.save()
    mirror_state.request_reconciliation()
    settle(server)
    assert Run.objects.get(run_id="0" * 32).lifecycle_stage == "deleted"
    assert Run.objects.get(run_id=there).lifecycle_stage == "active"


def test_a_large_server_is_taken_over_in_slices_while_new_runs_are_seen_at_once(
    client: MlflowClient, server: MLflowServer, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    monkeypatch.setattr(sync, "NEWEST_PAGES", 1)
    monkeypatch.setattr(sync, "BUDGET", 0.0)
    monkeypatch.setattr(sync, "FIRST_BUDGET", 0.0)
    monkeypatch.setattr("experiments.mirror_reconciling.LARGEST_PAGE", 3)
    runs = {log_run(client, experiment, start=old()) for _ in range(12)}
    mirrored = [0]
    for _ in range(3):
        new = log_run(client, experiment)
        sync.synchronise(server)
        assert Run.objects.filter(run_id=new).exists()
        mirrored.append(Run.objects.count())
    assert mirrored == sorted(set(mirrored))
    assert Run.objects.filter(run_id__in=runs).count() < 12
    settle(server)
    assert Run.objects.filter(run_id__in=runs).count() == 12
    assert MetricSeries.objects.filter(run__run_id__in=runs).count() == 12


def test_that_mlflow_is_down_is_told_in_words_and_forgotten_when_it_is_back(
    client: MlflowClient, server: MLflowServer, experiment: str
) -> None:
    run_id = log_run(client, experiment)
    started = time.monotonic()
    report = sync.synchronise(MLflowServer(f"http://127.0.0.1:{free_port()}"))
    assert time.monotonic() - started < 10
    state = SyncState.objects.get()
    assert "cannot be reached" in report.error
    assert state.error == report.error
    assert state.failed_at is not None
    assert state.lease_until is None

    settle(server)
    state = SyncState.objects.get()
    assert state.error == ""
    assert state.succeeded_at is not None
    assert Run.objects.filter(run_id=run_id).exists()


def test_a_frozen_server_costs_seconds_only(process: Server, server: MLflowServer) -> None:
    started = time.monotonic()
    with process.frozen():
        report = sync.synchronise(server)
    assert "did not answer in time" in report.error
    assert time.monotonic() - started < 10


def test_one_pass_at_a_time_and_a_dead_one_blocks_for_a_minute_at_most(server: MLflowServer) -> None:
    progress = mirror_state.acquire()
    assert progress is not None
    assert sync.synchronise(server).busy
    SyncState.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not sync.synchronise(server).busy
    # The one that was given up must not touch what its successor left.
    mirror_state.release(progress, error="late")
    assert SyncState.objects.get().error == ""
    progress.renewed -= 60
    with pytest.raises(mirror_state.LostError):
        progress.renew()


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_goes_on_and_ends_with_everything_once(
    client: MlflowClient, process: Server, server: MLflowServer, experiment: str
) -> None:
    runs = {log_run(client, experiment) for _ in range(130)}
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings_engine",
        "DATABASE_URL": database_url(),
        "MLFLOW_TRACKING_URI": process.url,
    }
    command = [sys.executable, "manage.py", "sync_mlflow"]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment) as importer:
        wait(lambda: Run.objects.exists())
        importer.kill()
    assert importer.returncode == -signal.SIGKILL
    assert sync.synchronise(server).busy
    SyncState.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    settle(server)
    assert set(Run.objects.filter(lifecycle_stage="active").values_list("run_id", flat=True)) >= runs
    read = MetricSeries.objects.filter(run__run_id__in=runs, key="loss", length=1)
    assert (read.count(), RunParam.objects.filter(run__run_id__in=runs).count()) == (130, 130)
