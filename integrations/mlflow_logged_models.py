"""Models that a run logged with MLflow 3: they lie beside the run, not among its artifacts.

`mlflow.<flavor>.log_model` of MLflow 3 writes to a place of its own and leaves the run only a reference; the
run's own artifact folder stays empty. So a run's model is looked for through these references, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.artifact_stores import safe_path
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import API, NOT_FOUND, MLflowReader
from integrations.mlflow_records import understood

READY = "LOGGED_MODEL_READY"
MAX_LOGGED_MODELS = 100


@dataclass(frozen=True)
class LoggedModelRecord:
    """A model that MLflow keeps; `step` is where in the training it was logged, time is milliseconds."""

    model_id: str
    name: str
    status: str
    step: int
    creation_time: int

    @property
    def source(self) -> str:
        """The URI by which versions refer to it."""
        return f"models:/{self.model_id}"


def logged_models(server: MLflowReader, run_id: str) -> tuple[LoggedModelRecord, ...]:
    """The models that a run logged and that can be used, the newest last: by step, then by time.

    Of more than `MAX_LOGGED_MODELS` (a checkpoint per epoch), those with the highest steps.
    """
    answer = server.http.get(API + "runs/get", {"run_id": run_id})
    with understood():
        outputs = (answer["run"].get("outputs") or {}).get("model_outputs") or ()
        steps = sorted(((int(one.get("step", 0)), str(one["model_id"])) for one in outputs), reverse=True)
    found = [_logged_model(server, model_id, step) for step, model_id in steps[:MAX_LOGGED_MODELS]]
    ready = (one for one in found if one is not None and one.status == READY)
    return tuple(sorted(ready, key=lambda one: (one.step, one.creation_time)))


def _logged_model(server: MLflowReader, model_id: str, step: int) -> LoggedModelRecord | None:
    """One model; None if it has been deleted since."""
    try:
        answer = server.http.get(f"{API}logged-models/{safe_path(model_id)}")
    except MLflowError as error:
        if error.code in NOT_FOUND:
            return None
        raise
    with understood():
        info: Mapping[str, Any] = answer["model"]["info"]
        return LoggedModelRecord(
            model_id=model_id,
            name=str(info.get("name", "")),
            status=str(info.get("status", "")),
            step=step,
            creation_time=int(info.get("creation_timestamp_ms", 0)),
        )
