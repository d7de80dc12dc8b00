"""Mirrors the stages that our database decided into MLflow: stage, alias and tags."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_context import JobContext
from experiments.runners import Outcome
from integrations.mlflow_registering import ALIAS_OF_STAGE
from integrations.mlflow_server import MLflowServer
from registry.models import ModelVersion, Promotion, RegisteredModel
from registry.stages import Stage


def request(model: RegisteredModel, *, promotion: Promotion, user: User) -> None:
    """Queue the mirroring of `model`'s stages; runs in the caller's transaction.

    :param promotion: the decision that is applied with it
    :param user: whose decision it was
    """
    payload = {"model": model.name, "promotion": promotion.pk}
    job_changes.create(
        runners.get("apply"),
        payload,
        submitter=user,
        name=user.username,
        key=f"apply:promotion:{promotion.pk}",
    )


def apply(context: JobContext) -> Outcome:
    """Runner of kind `apply`: make MLflow say what our database says about one model.

    Reads the stages when it runs, not when it was queued, so that of several queued jobs each leaves MLflow
    in the newest state. Production comes last: its alias must never point to a version archived later.
    """
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    versions = ModelVersion.objects.filter(
        model__name=context.payload["model"], mlflow_version__isnull=False
    ).select_related("model")
    # An alias has one holder: the version that came to the stage last, hence it is written last.
    ordered = sorted(versions, key=lambda version: (version.stage == Stage.PRODUCTION, version.stage_since))
    holders = {version.stage: version.pk for version in ordered}
    changed = []
    for version in ordered:
        context.check()
        if _mirror(server, version, holds_alias=holders[version.stage] == version.pk):
            changed.append(version.version)
            context.log(f"{version}: MLflow version {version.mlflow_version} is in {version.stage} now")
    _mark_applied(context.payload["promotion"], changed)
    return Outcome({"changed": changed})


def _mirror(server: MLflowServer, version: ModelVersion, *, holds_alias: bool) -> bool:
    number = version.mlflow_version
    if number is None:
        return False
    stage = Stage(version.stage).mlflow_name
    there = server.model_version(version.model.name, number)
    alias = ALIAS_OF_STAGE.get(stage) if holds_alias else None
    if there.stage == stage and (alias is None or alias in there.aliases):
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
