"""Whatever plain clients do to a real MLflow server, in whatever order, the mirror becomes equal to it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Read by the client at every call; its own patience is minutes.
os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_DISABLE_TELEMETRY="true")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from experiments import mirror_state, sync
from experiments.models import Experiment, Run, RunMetric, RunParam, SyncState
from experiments.models import RunTag as TagRow
from experiments.selectors import series
from integrations.mlflow_server import MLflowServer
from tests.servers import mlflow_server

ACTS = 60
KEYS = ["loss", "val/손실", "lr", "a key: with.all-kinds_of/signs"]
VALUES = [0.5, -1.0, float("nan"), float("inf"), float("-inf"), 0.0, 1e300, 5e-324]
TEXTS = ["", "0.1", "<script>alert(1)</script>", "값 🎉", "x" * 6_000, "line\nline", "'\" OR 1=1 --"]

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server.url


class Team:
    """Does one thing after the other to a server, as chance has it."""

    def __init__(self, client: MlflowClient, chance: random.Random) -> None:
        self.client = client
        self.chance = chance
        self.experiments = [str(client.create_experiment(f"team {chance.random()}"))]
        self.runs: list[str] = []
        self.now = int(time.time() * 1000)

    def act(self) -> None:
        """Do something; what MLflow refuses (logging to a deleted run, ...) was not done."""
        often = [self.start, self.log, self.log, self.log, self.tag, self.finish]
        seldom: list[Callable[[], Any]] = [self.untag, self.reopen, self.delete, self.restore]
        rarely = [self.new_experiment, self.rename, self.delete_experiment, self.restore_experiment]
        with contextlib.suppress(MlflowException):
            self.chance.choice(often * 3 + seldom * 2 + rarely)()

    def run(self) -> str:
        if not self.runs:
            self.start()
        return self.chance.choice(self.runs)

    def start(self) -> None:
        skew = self.chance.choice([0, 0, 1, -1, 86_400_000, -86_400_000, -self.now + 1])
        name = self.chance.choice(["same name", "또 하나", "<b>"])
        made = self.client.create_run(self.chance.choice(self.experiments), self.now + skew, run_name=name)
        self.runs.append(str(made.info.run_id))

    def log(self) -> None:
        metrics = [
            Metric(
                self.chance.choice(KEYS), self.chance.choice(VALUES), self.now + one, self.chance.randrange(9)
            )
            for one in {self.chance.randrange(-50, 1_000) for _ in range(4)}
        ]
        params = [Param(f"p{self.chance.randrange(9)}", self.chance.choice(TEXTS))]
        self.client.log_batch(self.run(), metrics, params)

    def tag(self) -> None:
        tags = [RunTag(self.chance.choice(KEYS), self.chance.choice(TEXTS))]
        self.client.log_batch(self.run(), tags=tags)

    def untag(self) -> None:
        self.client.delete_tag(self.run(), self.chance.choice(KEYS))

    def finish(self) -> None:
        status = self.chance.choice(["FINISHED", "FAILED", "KILLED"])
        self.client.set_terminated(self.run(), status, self.now + self.chance.randrange(10_000))

    def reopen(self) -> None:
        self.client.update_run(self.run(), status="RUNNING", name=self.chance.choice(["again", "새 이름"]))

    def delete(self) -> None:
        self.client.delete_run(self.run())

    def restore(self) -> None:
        self.client.restore_run(self.run())

    def new_experiment(self) -> None:
        self.experiments.append(str(self.client.create_experiment(f"실험 {self.chance.random()}")))

    def rename(self) -> None:
        self.client.rename_experiment(self.chance.choice(self.experiments), f"new {self.chance.random()}")

    def delete_experiment(self) -> None:
        self.client.delete_experiment(self.chance.choice(self.experiments))

    def restore_experiment(self) -> None:
        self.client.restore_experiment(self.chance.choice(self.experiments))


@pytest.mark.parametrize("seed", [1])
def test_the_mirror_becomes_equal_to_a_server_that_was_changed_at_random(
    url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGE", 3)
    monkeypatch.setattr(sync, "BUDGET", 0.0)
    monkeypatch.setattr(sync, "FIRST_BUDGET", 0.0)
    monkeypatch.setattr("experiments.mirror_reconciling.LARGEST_PAGE", 4)
    monkeypatch.setattr("experiments.mirror_series.LIVE_INTERVAL", 0.0)
    chance = random.Random(seed)
    client, server = MlflowClient(url), MLflowServer(url, timeout=60)
    team = Team(client, chance)
    for number in range(ACTS):
        team.act()
        if number % 7 == 0:
            assert not sync.synchronise(server).error
    mirror_state.request_reconciliation()
    for _ in range(200):
        report = sync.synchronise(server)
        assert not report.error
        if not (report.written or report.series or SyncState.objects.get().counts["cursor"]):
            break
    assert_equal(client)


def assert_equal(client: MlflowClient) -> None:
    theirs = client.search_experiments(ViewType.ALL)
    ours = {row.experiment_id: (row.name, row.lifecycle_stage) for row in Experiment.objects.all()}
    assert ours == {one.experiment_id: (one.name, one.lifecycle_stage) for one in theirs}
    runs = client.search_runs(
        [one.experiment_id for one in theirs], run_view_type=ViewType.ALL, max_results=1000
    )
    assert set(Run.objects.values_list("run_id", flat=True)) == {run.info.run_id for run in runs}
    assert runs
    for run in runs:
        row = Run.objects.get(run_id=run.info.run_id)
        told = (run.info.run_name, run.info.status, run.info.lifecycle_stage, run.info.experiment_id)
        assert told == (row.name, row.status, row.lifecycle_stage, row.experiment.experiment_id)
        assert (run.data.params, run.data.tags) == (row.params, row.tags)
        assert {key: shown(value) for key, value in run.data.metrics.items()} == {
            key: shown(float(value)) for key, value in row.metrics.items()
        }
        assert set(RunMetric.objects.filter(run=row).values_list("key", flat=True)) == set(run.data.metrics)
        params = dict(RunParam.objects.filter(run=row).values_list("key", "value"))
        assert params == {key: value[:250] for key, value in run.data.params.items()}
        tags = dict(TagRow.objects.filter(run=row).values_list("key", "value"))
        assert tags == {key: value[:250] for key, value in run.data.tags.items()}
        if row.lifecycle_stage == "active":
            assert_same_curves(client, row, set(run.data.metrics))


def assert_same_curves(client: MlflowClient, row: Run, keys: set[str]) -> None:
    found = series.read([row.pk], keys)
    assert {key for _run, key in found} == keys
    for (_run, key), points in found.items():
        ours = zip(points.step.tolist(), points.time.tolist(), map(shown, points.value.tolist()), strict=True)
        theirs = client.get_metric_history(row.run_id, key)
        if row.status in {"RUNNING", "SCHEDULED"}:
            # What came late by step and time is seen with the next point, at the latest when the run ends.
            assert set(ours) <= {(one.step, one.timestamp, shown(one.value)) for one in theirs}
        else:
            assert sorted(ours) == sorted((one.step, one.timestamp, shown(one.value)) for one in theirs)


def shown(value: float) -> str:
    """A value as text, because NaN equals nothing; MLflow keeps an infinity as the largest number."""
    largest = sys.float_info.max
    return repr({largest: float("inf"), -largest: float("-inf")}.get(value, value))
