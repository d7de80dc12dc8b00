"""Mirrors the stages that our database decided into MLflow: stage, alias and tags."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import trail
from audit.events import Event
from experiments import jobs
from experiments.job_context import JobContext
from experiments.runners import Outcome
from integrations.mlflow_server import MLflowServer
from registry.models import ModelVersion, Promotion, RegisteredModel


def request(model: RegisteredModel, *, promotion: Promotion, user: User) -> None:
    """Queue the mirroring of `model`'s stages; runs in the caller's transaction.

    :param promotion: the decision that is applied with it
    :param user: whose decision it was
    """
    payload = {"model": model.name, "promotion": promotion.pk}
    jobs.enqueue("apply", payload, on_behalf_of=user, key=f"apply:promotion:{promotion.pk}")


def apply(context: JobContext) -> Outcome:
    """Runner of kind `apply`: make MLflow say what our database says about one model.

    Reads the stages when it runs, not when it was queued, so that of several queued jobs each leaves MLflow
    in the newest state. Production comes last: its alias must never point to a version archived later.
    """
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    versions = ModelVersion.objects.filter(
        model__name=context.payload["model"], mlflow_version__isnull=False
    ).select_related("model")
    changed = []
    for version in sorted(versions, key=lambda one: one.stage == "Production"):
        context.check()
        if _mirror(server, version):
            changed.append(version.version)
            context.log(f"{version}: MLflow version {version.mlflow_version} is in {version.stage} now")
    _mark_applied(context.payload["promotion"], changed)
    return Outcome({"changed": changed})


def _mirror(server: MLflowServer, version: ModelVersion) -> bool:
    number = version.mlflow_version
    if number is None:
        return False
    stage = "None" if version.stage == "Development" else version.stage
    there = server.model_version(version.model.name, number)
    if there.stage == stage and stage not in ("Production", "Staging"):
        return False
    server.mirror_stage(version.model.name, number, stage)
    server.set_version_tags(version.model.name, number, {"stagegate.stage": version.stage})
    return True


def _mark_applied(promotion_id: int, changed: list[str]) -> None:
    now = timezone.now()
    with transaction.atomic():
        applied = Promotion.objects.filter(pk=promotion_id, state=Promotion.State.APPROVED).update(
            state=Promotion.State.APPLIED, applied_at=now
        )
        if applied:
            promotion = Promotion.objects.select_related("version__model").get(pk=promotion_id)
            data: dict[str, Any] = {"mlflow_versions_changed": changed}
            name = promotion.version.model.name
            target = trail.Target("promotion", str(promotion_id), str(promotion), name)
            trail.record(Event.PROMOTION_APPLIED, actor=trail.SYSTEM, target=target, data=data)
