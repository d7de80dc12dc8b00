"""Factory of drift for tests."""

from typing import Any

from django.utils import timezone

from registry.models import Drift, ModelVersion


def make_drift(version: ModelVersion, **changes: Any) -> Drift:
    """Create open drift: somebody archived `version` in MLflow."""
    columns = {
        "model": version.model,
        "version": version,
        "mlflow_version": version.mlflow_version or 1,
        "kind": "stage",
        "expected": "Production",
        "found": "Archived",
        "seen_at": timezone.now(),
    }
    return Drift.objects.create(**{**columns, **changes})
