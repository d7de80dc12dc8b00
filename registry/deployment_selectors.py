"""Reads of deployments."""

from django.db.models import QuerySet

from registry.models import Deployment, ModelVersion, RegisteredModel

SHOWN = 50


def of_model(model: RegisteredModel, environment: str = "") -> QuerySet[Deployment]:
    """Return where versions of `model` serve or served, the newest first.

    :param environment: only what is there; empty: everywhere
    """
    rows = Deployment.objects.filter(version__model=model).select_related("version__model", "replaced_by")
    rows = rows.defer("version__manifest", "version__metadata", "version__facts", "version__inspection")
    # PostgreSQL cannot compare U+0000, and no environment has it.
    return rows.filter(environment=environment.replace("\0", "")) if environment else rows


def of_version(version: ModelVersion) -> list[Deployment]:
    """Return where `version` serves or served, the newest first. One query."""
    rows = version.deployments.select_related("replaced_by__version")
    return list(rows.defer("replaced_by__version__manifest", "replaced_by__version__metadata")[:SHOWN])


def get(model: RegisteredModel, number: int) -> Deployment | None:
    """Return a deployment of `model`, if it has this one."""
    rows = of_model(model).filter(pk=number) if number < 2**63 else Deployment.objects.none()
    return rows.first()


def environments(model: RegisteredModel) -> list[str]:
    """Return the environments that versions of `model` have been in, by name. One query."""
    rows = Deployment.objects.filter(version__model=model).order_by("environment")
    return list(rows.values_list("environment", flat=True).distinct()[:SHOWN])
