"""What people ask, as a request to MLflow's interface and as a page of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from bench.dataset import CURVES, bench_run, has_curves
from bench.servers import Ours
from bench.versions import MODEL

API = "/api/2.0/mlflow/"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
SORT = "metrics.score_03"
FILTER = "metrics.val_cer < 0.05 and params.optimizer = 'AdamW'"
_SHOWN = 100
#: Seconds after which an answer is not waited for any more.
PATIENCE = 120.0


@dataclass(frozen=True)
class Question:
    """One row of the table.

    :ivar goal: most seconds that 95 of 100 of our answers may take; None: no goal of its own
    :ivar times_faster: how often our median has to fit into MLflow's, by kind of database
    """

    name: str
    mlflow: Callable[[], object]
    ours: Callable[[], object]
    goal: float | None = None
    times_faster: dict[str, float] | None = None


def questions(mlflow_url: str, experiment: str, ours: Ours, size: int) -> list[Question]:
    """Return all questions about `size` runs."""
    theirs, here = _Theirs(mlflow_url, experiment), _Here(ours, experiment)
    fifty = [bench_run(number).run_id for number in range(size) if has_curves(number, size)]
    one = fifty[len(fifty) // 2]
    table = {"postgresql": 10.0, "sqlite": 300.0}
    newest = "attributes.start_time DESC"
    by_metric = f"{SORT} ASC"
    return [
        Question("100 newest runs", lambda: theirs.search(newest), lambda: here.runs(), 0.08),
        Question(
            "100 runs sorted by a metric",
            lambda: theirs.search(by_metric),
            lambda: here.runs(sort=SORT),
            0.08,
            table,
        ),
        Question(
            "100 runs filtered and sorted",
            lambda: theirs.search(by_metric, FILTER),
            lambda: here.runs(sort=SORT, q=FILTER),
            0.08,
            table,
        ),
        Question("one run", lambda: theirs.get("runs/get", run_id=one), lambda: here.page(f"/runs/{one}/")),
        Question(
            "50 runs x 6 curves of 2,000 points",
            lambda: theirs.curves(fifty),
            lambda: here.curves(fifty),
            0.2,
            {"postgresql": 15.0, "sqlite": 15.0},
        ),
        Question("page that compares 50 runs", lambda: None, lambda: here.compare(fifty)),
        Question(
            "list of 10,000 versions",
            lambda: theirs.get("model-versions/search", filter=f"name='{MODEL}'", max_results=200),
            lambda: here.page(f"/models/{MODEL}/"),
        ),
    ]


class _Theirs:
    def __init__(self, url: str, experiment: str) -> None:
        self._url = url
        self._experiment = experiment
        self._session = requests.Session()

    def search(self, order: str, wanted: str = "") -> None:
        body = {"experiment_ids": [self._experiment], "max_results": _SHOWN, "order_by": [order]}
        answer = self._session.post(
            f"{self._url}{API}runs/search", json={**body, "filter": wanted}, timeout=PATIENCE
        )
        answer.raise_for_status()
        if len(answer.json()["runs"]) != _SHOWN:
            raise RuntimeError("MLflow did not return a hundred runs.")

    def get(self, path: str, **parameters: Any) -> None:
        answer = self._session.get(f"{self._url}{API}{path}", params=parameters, timeout=PATIENCE)
        answer.raise_for_status()

    def curves(self, run_ids: list[str]) -> None:
        for key in CURVES:
            query = [("metric_key", key), ("max_results", "1000"), *(("run_ids", one) for one in run_ids)]
            address = f"{self._url}{INTERVAL}?{urlencode(query)}"
            answer = self._session.get(address, timeout=PATIENCE)
            answer.raise_for_status()


class _Here:
    def __init__(self, ours: Ours, experiment: str) -> None:
        self._ours = ours
        self._experiment = experiment
        self._session = requests.Session()
        self._session.headers["Cookie"] = f"sessionid={ours.cookie}"

    def page(self, path: str) -> str:
        answer = self._session.get(self._ours.url + path, timeout=PATIENCE, allow_redirects=False)
        if answer.status_code != 200:
            raise RuntimeError(f"{path[:80]} answered {answer.status_code}.")
        return answer.text

    def runs(self, **query: str) -> None:
        page = self.page(f"/runs/?{urlencode({'experiment': self._experiment, **query})}")
        if page.count("<tr") < _SHOWN:
            raise RuntimeError("Our page did not show a hundred runs.")

    def compare(self, run_ids: list[str]) -> None:
        self.page(f"/compare/?{urlencode({'runs': ','.join(run_ids)})}")

    def curves(self, run_ids: list[str]) -> None:
        query = [("runs", ",".join(run_ids)), *(("key", key) for key in CURVES)]
        self.page(f"/compare/chart/?{urlencode(query)}")
