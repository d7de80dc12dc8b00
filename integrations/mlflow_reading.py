"""Reading an MLflow server: experiments, runs, metric histories, registered models, versions."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from integrations import mlflow_records as records
from integrations.errors import IntegrationError
from integrations.mlflow_http import Json, MLflowError, MLflowHTTP
from integrations.mlflow_records import (
    ExperimentRecord,
    MetricHistory,
    MetricPoint,
    ModelVersionRecord,
    RegisteredModelRecord,
    RunPage,
    RunRecord,
)

API = "/api/2.0/mlflow/"
NEWEST_FIRST = ("attributes.start_time DESC",)
NOT_FOUND = frozenset({"RESOURCE_DOES_NOT_EXIST"})
MAX_PAGES = 1_000
HISTORY_PAGE = 10_000
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
BULK_POINTS = 25_000
RUNS_PER_BULK = 80  # their ids make an address that every server takes


class MLflowReader:
    """The reading half of `MLflowServer`; every loop over pages is bounded."""

    http: MLflowHTTP

    def ping(self) -> str:
        """Check that server, its database and our credentials work; return MLflow's version."""
        self.http.get(API + "experiments/search", {"max_results": 1})
        return self.http.text("/version")

    def experiments(self) -> tuple[ExperimentRecord, ...]:
        """All experiments, deleted ones included, by id as MLflow orders them."""
        body: Json = {"max_results": 1000, "view_type": "ALL"}
        pages = self._pages("POST", "experiments/search", body)
        return tuple(
            one for page in pages for one in records.all_of(page.get("experiments"), records.experiment)
        )

    def experiment_named(self, name: str) -> ExperimentRecord | None:
        """The experiment of that name, deleted or not, or `None`."""
        answer = self._found("experiments/get-by-name", {"experiment_name": name})
        return records.all_of([answer["experiment"]], records.experiment)[0] if answer else None

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        filter: str = "",  # noqa: A002  (MLflow's own word)
        order_by: Sequence[str] = NEWEST_FIRST,
        page_token: str | None = None,
        max_results: int = 200,
        view: str = "ALL",
    ) -> RunPage:
        """One page of runs, newest first unless ordered otherwise.

        Parameters
        ----------
        filter:
            MLflow's search language.
        max_results:
            Runs a page; MLflow needs about 2 s for 1,000.
        view:
            `ALL` (deleted runs included, as a mirror needs), `ACTIVE_ONLY` or `DELETED_ONLY`.
        """
        body: Json = {
            "experiment_ids": list(experiment_ids),
            "filter": filter,
            "order_by": list(order_by),
            "max_results": max_results,
            "run_view_type": view,
        }
        if page_token:
            body["page_token"] = page_token
        answer = self.http.post(API + "runs/search", body, repeatable=True)
        return RunPage(
            runs=records.all_of(answer.get("runs"), records.run),
            next_page_token=answer.get("next_page_token") or None,
        )

    def run(self, run_id: str) -> RunRecord:
        """One run; a permanent error with code RESOURCE_DOES_NOT_EXIST if there is none."""
        answer = self.http.get(API + "runs/get", {"run_id": run_id})
        return records.all_of([answer.get("run")], records.run)[0]

    def runs_by_id(self, experiment_ids: Sequence[str], run_ids: Sequence[str]) -> tuple[RunRecord, ...]:
        """Those of at most some hundred runs that these experiments have, deleted ones included."""
        names = ", ".join(quoted(run_id) for run_id in run_ids)
        wanted = f"attributes.run_id IN ({names})"
        return self.search_runs(experiment_ids, filter=wanted, max_results=len(run_ids)).runs

    def metric_history(self, run_id: str, key: str, *, max_points: int = 100_000) -> MetricHistory:
        """Points of one metric ordered by step, then time; at most `max_points` of them."""
        points, truncated = self._history(run_id, key, max_points, skip=0)
        ordered = sorted(points, key=lambda point: (point.step, point.timestamp))
        return MetricHistory(tuple(ordered), truncated)

    def later_points(self, run_id: str, key: str, *, skip: int, max_points: int) -> tuple[MetricPoint, ...]:
        """Points of one metric in MLflow's own order (time, then step, then value), without the first `skip`.

        MLflow promises nothing about the token that this needs: ask for one point that you know, too, and
        read everything if it does not come first.
        """
        return tuple(self._history(run_id, key, max_points, skip=skip)[0])

    def _history(
        self, run_id: str, key: str, max_points: int, *, skip: int
    ) -> tuple[list[MetricPoint], bool]:
        points: list[MetricPoint] = []
        params: Json = {"run_id": run_id, "metric_key": key, "max_results": min(HISTORY_PAGE, max_points)}
        if skip:
            params["page_token"] = _token(skip)
        truncated = False
        for page in self._pages("GET", "metrics/get-history", params):
            points.extend(records.all_of(page.get("metrics"), records.point))
            if len(points) >= max_points:
                truncated = len(points) > max_points or bool(page.get("next_page_token"))
                break
        return points[:max_points], truncated

    def metric_histories(self, run_ids: Sequence[str], key: str) -> dict[str, tuple[MetricPoint, ...]]:
        """The complete histories of one metric of at most `RUNS_PER_BULK` runs, in one call.

        MLflow's pages use this address, its documented interface lacks it: a server may not know it, and it
        answers with a bounded number of points. So what is missing in the answer has to be read one by one.
        """
        query = [("metric_key", key), *(("run_id", run_id) for run_id in run_ids)]
        try:
            answer = self.http.get(BULK + "?" + urlencode(query))
        except MLflowError as error:
            if error.permanent:
                return {}
            raise
        found: dict[str, list[MetricPoint]] = {}
        with records.understood():
            said = answer.get("metrics") or []
            for raw in said:
                found.setdefault(str(raw["run_id"]), []).append(records.point(raw))
        if len(said) >= BULK_POINTS:
            found.popitem()  # ordered by run, so only the last one may be cut
        return {run_id: tuple(points) for run_id, points in found.items()}

    def registered_models(self) -> tuple[RegisteredModelRecord, ...]:
        """All registered models with their aliases."""
        pages = self._pages("GET", "registered-models/search", {"max_results": 200})
        return tuple(
            one
            for page in pages
            for one in records.all_of(page.get("registered_models"), records.registered_model)
        )

    def registered_model(self, name: str) -> RegisteredModelRecord | None:
        """The registered model of that name, or `None`."""
        answer = self._found("registered-models/get", {"name": name})
        if answer is None:
            return None
        return records.all_of([answer.get("registered_model")], records.registered_model)[0]

    def model_versions(
        self, name: str, *, tag: tuple[str, str] | None = None
    ) -> tuple[ModelVersionRecord, ...]:
        """All versions of a model, oldest first, or those that carry one tag with one value."""
        model = self.registered_model(name)
        if model is None:
            return ()
        wanted = f"name = {quoted(name)}"
        if tag:
            wanted += f" AND tags.`{tag[0]}` = {quoted(tag[1])}"
        pages = self._pages("GET", "model-versions/search", {"filter": wanted, "max_results": 1000})
        found = [
            one for page in pages for one in records.all_of(page.get("model_versions"), records.model_version)
        ]
        # MLflow's search leaves the aliases out; the registered model has them
        return tuple(
            replace(one, aliases=tuple(sorted(a for a, v in model.aliases.items() if v == one.version)))
            for one in sorted(found, key=lambda one: one.version)
        )

    def model_version(self, name: str, version: int) -> ModelVersionRecord:
        """One version by MLflow's number; a permanent error if there is none."""
        answer = self.http.get(API + "model-versions/get", {"name": name, "version": str(version)})
        return records.all_of([answer.get("model_version")], records.model_version)[0]

    def version_by_alias(self, name: str, alias: str) -> ModelVersionRecord | None:
        """The version an alias points to, or `None` when model or alias does not exist."""
        model = self.registered_model(name)
        if model is None or alias not in model.aliases:
            return None
        return self.model_version(name, model.aliases[alias])

    def latest_versions(self, name: str) -> tuple[ModelVersionRecord, ...]:
        """The newest version of each stage that has one."""
        answer = self.http.post(
            API + "registered-models/get-latest-versions", {"name": name}, repeatable=True
        )
        return records.all_of(answer.get("model_versions"), records.model_version)

    def _found(self, path: str, params: Json) -> Json | None:
        try:
            return self.http.get(API + path, params)
        except MLflowError as error:
            if error.code in NOT_FOUND:
                return None
            raise

    def _pages(self, method: str, path: str, query: Json) -> Iterator[Json]:
        for _ in range(MAX_PAGES):
            if method == "GET":
                page = self.http.get(API + path, query)
            else:
                page = self.http.post(API + path, query, repeatable=True)
            yield page
            token = page.get("next_page_token")
            if not token:
                return
            query = {**query, "page_token": token}
        raise IntegrationError(f"MLflow's answer to {path} does not end.", permanent=True)


def later_token(token: str, count: int) -> str | None:
    """Return the token of the page that begins `count` rows after that of `token`.

    Only a guess, to be compared with what MLflow says: it promises nothing about its tokens. None where this
    one is not understood.
    """
    try:
        offset = json.loads(b64decode(token, validate=True))["offset"]
    except (ValueError, TypeError, KeyError):
        return None
    return _token(offset + count) if isinstance(offset, int) else None


def _token(offset: int) -> str:
    """Return a token as MLflow's SQL store makes them."""
    return b64encode(json.dumps({"offset": offset}).encode()).decode()


def quoted(value: str) -> str:
    """A string literal of MLflow's search language, which has no escape for its own quote."""
    for quote in ('"', "'"):
        if quote not in value:
            return f"{quote}{value}{quote}"
    raise IntegrationError(
        f"MLflow cannot search for {value!r}: it holds both kinds of quote.", permanent=True
    )
