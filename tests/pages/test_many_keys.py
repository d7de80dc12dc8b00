"""Runs with ten thousand distinct metrics and parameters: every page and answer stays whole and bounded."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.roles import Role
from experiments.compare_plots import MAX_OFFERED
from experiments.models import Run
from tests.people import make_user
from tests.runs import add_curve, make_experiment
from tests.versions import make_run

pytestmark = pytest.mark.django_db

KEYS = 10_000
MOST_BYTES = 2_500_000


@pytest.fixture
def runs() -> list[Run]:
    experiment = make_experiment()
    made = []
    for number in range(3):
        metrics = {f"layer.{key:05}.norm": key * 0.5 + number for key in range(KEYS)}
        params = {f"layer.{key:05}.width": str(key + number) for key in range(KEYS)}
        made.append(make_run(experiment=experiment, metrics=metrics, params=params))
    for run in made:
        for key in range(1000):
            add_curve(run, f"layer.{key:05}.norm", [1.0, 0.5])
    return made


PATHS = [
    "/runs/",
    "/runs/?sort=metrics.layer.09999.norm&columns=metrics.layer.09999.norm",
    "/runs/?q=metrics.layer.00001.norm>1",
    "/runs/?group=params.layer.00001.width",
    "/runs/?runs={runs}",
    "/runs/completions/?q=metrics.la",
    "/runs/{run}/",
    "/runs/{run}/metrics/",
    "/runs/{run}/reproduce/",
    "/runs/export.csv?runs={runs}",
    "/runs/export.parquet?runs={runs}",
    "/compare/?runs={runs}",
    "/compare/?runs={runs}&rows=all&q=layer.0999",
    "/compare/table.csv?runs={runs}",
    "/experiments/7/metrics/",
    "/api/v1/runs/",
    "/api/v1/runs/{run}/",
    "/api/v1/compare/?runs={runs}",
    "/api/v1/compare/importance/?runs={runs}&metric=layer.00001.norm",
    "/api/v1/experiments/7/metrics/",
]


def test_every_page_and_answer_about_them_stays_bounded(client: Client, runs: list[Run]) -> None:
    client.force_login(make_user(Role.ENGINEER))
    for path in PATHS:
        answer = client.get(path.format(run=runs[0].run_id, runs=",".join(run.run_id for run in runs)))
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200, path
        assert len(content) < MOST_BYTES, path


def test_the_axes_offered_are_some_of_them_and_the_search_finds_the_others(
    client: Client, runs: list[Run]
) -> None:
    client.force_login(make_user(Role.VIEWER))
    address = f"/compare/?runs={','.join(run.run_id for run in runs)}"
    offered = re.compile(r'<option value="(metrics[^"]*|params[^"]*)"')
    assert "metrics.layer.09123.norm" not in offered.findall(client.get(address).content.decode())
    page = client.get(f"{address}&q=layer.09123&across=params.layer.07777.width").content.decode()
    found = offered.findall(page)
    assert {"metrics.layer.09123.norm", "params.layer.09123.width", "params.layer.07777.width"} <= {*found}
    assert len(found) == 2 * MAX_OFFERED
    assert f"{2 * KEYS - MAX_OFFERED} more: search above" in page
