"""Factory of deployments for tests, as rows: what the operation makes has its own tests."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from registry.models import Deployment, ModelVersion


def make_deployment(version: ModelVersion, environment: str = "production-eu", **changes: Any) -> Deployment:
    """Create a deployment that began an hour ago."""
    columns = {
        "at": timezone.now() - timedelta(hours=1),
        "recorded_at": timezone.now(),
        "recorded_by_name": "engineer",
    }
    return Deployment.objects.create(version=version, environment=environment, **{**columns, **changes})
