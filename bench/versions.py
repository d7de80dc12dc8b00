"""The ten thousand versions of one model: in MLflow's tables, and (`python -m bench.versions`) in ours.

They are written as rows on both sides: registering one hashes its artifacts, and these have none.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

from bench.dataset import bench_run

MODEL = "benchmark-model"
COUNT = 10_000
_TIME = 1_750_000_000_000


def mlflow_rows() -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows of MLflow's tables `registered_models` and `model_versions`.

    Columns: name, creation_time, last_updated_time; then name, version, creation_time, last_updated_time,
    current_stage, source, run_id, status.
    """
    run = bench_run(0).run_id
    versions = [
        (MODEL, number, _TIME + number, _TIME + number, "None", f"runs:/{run}/model", run, "READY")
        for number in range(1, COUNT + 1)
    ]
    return [(MODEL, _TIME, _TIME + COUNT)], versions


def main() -> None:
    """Write our rows unless they are there."""
    django.setup()
    from django.utils import timezone

    from registry.models import ModelVersion, RegisteredModel
    from registry.semver import MLModelVersion

    now = timezone.now()
    defaults = {"created_at": now, "created_by": "benchmark"}
    model, made = RegisteredModel.objects.get_or_create(name=MODEL, defaults=defaults)
    rows = []
    for number in range(1, COUNT + 1) if made else ():
        name = f"{number // 400}.{number // 20 % 20}.{number % 20}"
        key = MLModelVersion(name).sort_key
        rows.append(
            ModelVersion(
                model=model,
                version=name,
                major=key.major,
                minor=key.minor,
                patch=key.patch,
                pre_key=key.pre_key.encode("ascii"),
                stage_since=now,
                key=f"benchmark:{number}",
                run_id=bench_run(0).run_id,
                source="runs:/0/model",
                mlflow_version=number,
                metadata={"val_cer": 0.01},
                created_at=now,
                created_by="benchmark",
            )
        )
    ModelVersion.objects.bulk_create(rows, batch_size=500)
    json.dump({"versions": ModelVersion.objects.filter(model=model).count()}, sys.stdout)


if __name__ == "__main__":
    main()
