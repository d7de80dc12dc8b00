"""Writing runs to an MLflow server so that every call may be repeated without a second effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from integrations import mlflow_records as records
from integrations.errors import IntegrationError
from integrations.mlflow_http import Json, MLflowError
from integrations.mlflow_limits import (
    MAX_METRICS_PER_BATCH,
    MAX_PAIRS_PER_BATCH,
    MAX_PARAM_VALUE,
    MAX_TAG_VALUE,
    batches,
    checked_key,
    checked_name,
    fitted,
)
from integrations.mlflow_reading import API, NOT_FOUND, MLflowReader, quoted
from integrations.mlflow_records import KEY_TAG, ExperimentRecord, MetricPoint, RunRecord

CREATED_TAG = "stagegate.created_ns"
CHOSEN_TAG = "stagegate.chosen"
MAX_HISTORY = 1_000_000
RUN_STATUSES = frozenset({"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"})
SETTLING_ROUNDS = 3
SEARCHES_AFTER_AMBIGUITY = 3
FIRST_SEARCH_PAUSE_SECONDS = 0.2

Found = TypeVar("Found")


class RunWriter(MLflowReader):
    """The half of `MLflowServer` that writes experiments and runs."""

    def find_or_create_experiment(
        self, name: str, *, artifact_location: str | None = None
    ) -> ExperimentRecord:
        """The experiment of that name; created with the server's artifact location unless given.

        Raises a permanent `IntegrationError` when a deleted experiment occupies the name.
        """
        found = self.experiment_named(name)
        if found is None:
            body: Json = {"name": name}
            if artifact_location:
                body["artifact_location"] = artifact_location
            try:
                self.http.post(API + "experiments/create", body, repeatable=True)
            except MLflowError as error:
                # somebody else, or our own repeated request, was first
                if error.code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = self.experiment_named(name)
        if found is None or found.lifecycle_stage != "active":
            raise IntegrationError(
                f"The MLflow experiment {name!r} is deleted; restore it or choose another name.",
                permanent=True,
            )
        return found

    def find_or_create_run(
        self,
        experiment: str,
        *,
        key: str,
        name: str,
        start_time: int,
        tags: Mapping[str, str] | None = None,
    ) -> RunRecord:
        """The one run that carries `key`, created if there is none.

        Parameters
        ----------
        experiment:
            Name of the experiment; created if missing.
        key:
            Idempotency key, stored as the tag `stagegate.key`. Deleted runs do not count.
        start_time:
            Milliseconds since the epoch; used at creation only.
        tags:
            Set on the run whether it was found or created.

        MLflow has no idempotency key of its own. After an answer was lost we look before we believe.
        A lost answer that leaves no run behind is a temporary error: the request may still be under
        way, so it is not sent again here. Should twins come to be all the same, the run that was
        handed out first counts for ever (tag `stagegate.chosen`), else the oldest; the others, which
        nobody has used, are deleted, which MLflow can undo.
        """
        experiment_id = self.find_or_create_experiment(experiment).experiment_id
        checked_key(key)
        found = self._settled_run(experiment_id, key)
        if found is None:
            found = self._create_run(experiment_id, key, name, start_time)
        if tags:
            self.set_tags(found.run_id, tags)
            found = self.run(found.run_id)
        return found

    def log_params(self, run_id: str, params: Mapping[str, object]) -> None:
        """Log parameters that are not there yet.

        Values longer than 6,000 characters end in their length and digest. A permanent error names
        a parameter that already has another value: MLflow's parameters cannot change.
        """
        wanted = {checked_name(k, "parameter"): fitted(str(v), MAX_PARAM_VALUE) for k, v in params.items()}
        present = self.run(run_id).params
        for key, value in wanted.items():
            if key in present and present[key] != value:
                raise IntegrationError(
                    f"Run {run_id} already has the parameter {key!r} with another value.", permanent=True
                )
        new = [{"key": k, "value": v} for k, v in wanted.items() if k not in present]
        self._log(run_id, "params", new, MAX_PAIRS_PER_BATCH)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags, replacing earlier values; values over 8,000 characters end in their digest."""
        pairs = [
            {"key": checked_name(key, "tag"), "value": fitted(value, MAX_TAG_VALUE)}
            for key, value in tags.items()
        ]
        self._log(run_id, "tags", pairs, MAX_PAIRS_PER_BATCH)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag away; that it is not there is no error."""
        try:
            self.http.post(API + "runs/delete-tag", {"run_id": run_id, "key": key}, repeatable=True)
        except MLflowError as error:
            if error.code not in NOT_FOUND:
                raise

    def log_metrics(self, run_id: str, points: Iterable[MetricPoint]) -> int:
        """Log points that are not there yet; return how many were new.

        A point counts as there when its metric already has the same value at the same step, whatever
        its time, so a retry that reads the clock again adds nothing. Another value at the same step
        is a permanent error: it belongs to another result.
        """
        wanted: dict[str, dict[int, MetricPoint]] = {}
        for point in points:
            _add(wanted.setdefault(checked_name(point.key, "metric"), {}), point, run_id)
        logged = {point.key for point in self.run(run_id).latest_points}
        for key in logged & wanted.keys():
            for there in self._whole_history(run_id, key):
                if there.step in wanted[key]:
                    _add({there.step: there}, wanted[key].pop(there.step), run_id)
        new = [
            {
                "key": point.key,
                "value": records.encoded_value(point.value),
                "timestamp": point.timestamp,
                "step": point.step,
            }
            for steps in wanted.values()
            for point in steps.values()
        ]
        self._log(run_id, "metrics", new, MAX_METRICS_PER_BATCH)
        return len(new)

    def finish_run(self, run_id: str, status: str, end_time: int) -> RunRecord:
        """Set the final status (FINISHED, FAILED or KILLED) and end (milliseconds since the epoch)."""
        if status not in RUN_STATUSES:
            raise IntegrationError(f"{status!r} is not a status of an MLflow run.", permanent=True)
        body: Json = {"run_id": run_id, "status": status, "end_time": end_time}
        self.http.post(API + "runs/update", body, repeatable=True)
        return self.run(run_id)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted; MLflow keeps it restorable."""
        self.http.post(API + "runs/delete", {"run_id": run_id}, repeatable=True)

    def _create_run(self, experiment_id: str, key: str, name: str, start_time: int) -> RunRecord:
        tags = {KEY_TAG: key, CREATED_TAG: str(time.time_ns())}
        body: Json = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": start_time,
            "tags": [{"key": k, "value": v} for k, v in tags.items()],
        }
        try:
            answer = self.http.post(API + "runs/create", body, repeatable=False)
        except MLflowError as error:
            if not error.ambiguous:
                raise
            return found_after(error, lambda: self._settled_run(experiment_id, key))
        created = records.all_of([answer.get("run")], records.run)[0]
        return self._settled_run(experiment_id, key) or created

    def _settled_run(self, experiment_id: str, key: str) -> RunRecord | None:
        for _ in range(SETTLING_ROUNDS):
            runs = self.search_runs(
                [experiment_id], filter=f"tags.`{KEY_TAG}` = {quoted(key)}", view="ACTIVE_ONLY"
            ).runs
            if not runs:
                return None
            winner, *others = sorted(runs, key=_precedence)
            if CHOSEN_TAG in winner.tags or self._choose(winner):
                for other in others:
                    if CHOSEN_TAG not in other.tags:
                        self.delete_run(other.run_id)
                return self.run(winner.run_id)
        raise IntegrationError(f"Several writers create the MLflow run of {key!r} at once.", permanent=False)

    def _choose(self, run: RunRecord) -> bool:
        try:
            self.set_tags(run.run_id, {CHOSEN_TAG: "true"})
        except MLflowError as error:
            # a twin was chosen meanwhile and this one deleted: look again
            if not error.permanent:
                raise
            return False
        return True

    def _whole_history(self, run_id: str, key: str) -> tuple[MetricPoint, ...]:
        history = self.metric_history(run_id, key, max_points=MAX_HISTORY)
        if history.truncated:
            raise IntegrationError(
                f"Run {run_id} has more than {MAX_HISTORY} points of {key!r}; more cannot be added safely.",
                permanent=True,
            )
        return history.points

    def _log(self, run_id: str, kind: str, items: list[Json], limit: int) -> None:
        # harmless to repeat: MLflow's SQL store ignores a point, parameter or tag it already has
        for batch in batches(items, limit):
            self.http.post(API + "runs/log-batch", {"run_id": run_id, kind: batch}, repeatable=True)


def found_after(error: MLflowError, search: Callable[[], Found | None]) -> Found:
    """Look for what a request without an answer may have created; the error itself if it is not there.

    Bounded: a few searches with growing pauses, because the server may still be at work on it.
    """
    for attempt in range(SEARCHES_AFTER_AMBIGUITY):
        found = search()
        if found is not None:
            return found
        time.sleep(FIRST_SEARCH_PAUSE_SECONDS * 2**attempt)
    raise error


def _precedence(run: RunRecord) -> tuple[bool, int, str]:
    created = run.tags.get(CREATED_TAG, "")
    # start_time cannot order twins: both were given the same one
    age = int(created) if created.isdecimal() else run.start_time * 1_000_000
    return (CHOSEN_TAG not in run.tags, age, run.run_id)


def _add(steps: dict[int, MetricPoint], point: MetricPoint, run_id: str) -> None:
    there = steps.setdefault(point.step, point)
    same = there.value == point.value or (there.value != there.value and point.value != point.value)
    if not same:
        raise IntegrationError(
            f"Run {run_id}: metric {point.key!r} has two values at step {point.step}.", permanent=True
        )
