"""Mirrors the stages that our database decided into MLflow: stage, alias and tag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit import trail
from audit.events import Event
from experiments import job_changes, runners
from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.runners import Outcome
from experiments.stored_text import text
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import NOT_FOUND
from integrations.mlflow_server import MLflowServer
from registry import mirror_lease, mirror_plan, trail_targets
from registry.mirror_plan import Change, Kind, Wanted
from registry.models import ModelVersion, Promotion, RegisteredModel
from registry.stages import Stage

#: How often MLflow is compared and corrected before the job gives up for now.
ROUNDS = 5

_SERVING = (Stage.STAGING, Stage.PRODUCTION)


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

    Reads the stages when it runs, not when it was queued, and marks every approved promotion that MLflow then
    shows as applied. So of several queued jobs the first does the work, whichever it is.

    :raises IntegrationError: temporary while MLflow cannot be reached or somebody else changes it; permanent
        if MLflow has lost a version that is in Staging or Production (everything else has been mirrored then)
    """
    model = RegisteredModel.objects.filter(name=context.payload["model"]).first()
    if model is None:
        raise IntegrationError(
            _("There is no model %(model)s.") % {"model": context.payload["model"]}, permanent=True
        )
    return _Mirroring(context, model).run()


@dataclass(frozen=True)
class _Reading:
    """What our database said at one moment.

    :ivar approved: promotions that wait to be applied; read before the versions, whose stages hold them
    :ivar versions: MLflow's number -> version
    """

    approved: Mapping[int, int]
    versions: Mapping[int, ModelVersion]

    @property
    def wanted(self) -> list[Wanted]:
        return [
            Wanted(number, Stage(version.stage), version.stage_since)
            for number, version in self.versions.items()
        ]


class _Mirroring:
    """One attempt at mirroring one model."""

    def __init__(self, context: JobContext, model: RegisteredModel) -> None:
        self.context = context
        self.model = model
        self.server = MLflowServer(settings.MLFLOW_TRACKING_URI)
        self.changed: list[str] = []

    def run(self) -> Outcome:
        self._name_the_unnumbered()
        with mirror_lease.held(self.model, self.context):
            self.context.step("write to MLflow", "running")
            reading, missing = self._converge()
            self.context.step("write to MLflow", "done")
            self.context.step("record", "running")
            applied = self._record(reading, missing)
            self._refuse_losses(reading, missing)
            self.context.step("record", "done")
        if not self.changed:
            self.context.log(f"MLflow says of {self.model} what it should; nothing was changed.")
        return Outcome({"model": self.model.name, "changed": self.changed, "applied": applied})

    def _name_the_unnumbered(self) -> None:
        for version in self.model.versions.filter(mlflow_version__isnull=True).select_related("model"):
            self.context.log(f"{version} is not in MLflow yet and is left out until its registration ends.")

    def _converge(self) -> tuple[_Reading, set[int]]:
        """Compare and correct until MLflow agrees; return what was mirrored, and which numbers it lacks."""
        for _round in range(ROUNDS):
            self.context.check()
            reading = self._read()
            there = self.server.model_versions(self.model.name)
            changes = mirror_plan.plan(reading.wanted, there)
            if not changes:
                return reading, mirror_plan.missing(reading.wanted, there)
            self._write(changes, reading)
        raise IntegrationError(
            _("Somebody else keeps changing %(model)s in MLflow.") % {"model": self.model.name},
            permanent=False,
        )

    def _read(self) -> _Reading:
        approved = Promotion.objects.filter(
            version__model=self.model, version__mlflow_version__isnull=False, state=Promotion.State.APPROVED
        )
        pairs = list(approved.order_by("pk").values_list("pk", "version__mlflow_version"))
        versions = self.model.versions.filter(mlflow_version__isnull=False).select_related("model")
        return _Reading(
            {pk: number for pk, number in pairs if number is not None},
            {version.mlflow_version: version for version in versions if version.mlflow_version is not None},
        )

    def _write(self, changes: Sequence[Change], reading: _Reading) -> None:
        for change in changes:
            self.context.check()
            version = reading.versions.get(change.number)
            name = str(version) if version else f"{self.model}, not registered here"
            try:
                self._make(change)
            except MLflowError as error:
                if error.code in NOT_FOUND:  # deleted meanwhile: look again
                    return
                raise
            self.context.log(f"MLflow version {change.number} ({name}): {change}")
            if version is not None and version.version not in self.changed:
                self.changed.append(version.version)

    def _make(self, change: Change) -> None:
        name, number, value = self.model.name, change.number, change.value
        if change.kind is Kind.STAGE:
            self.server.set_stage(name, number, value)
        elif change.kind is Kind.ALIAS:
            self.server.set_alias(name, value, number)
        elif change.kind is Kind.NO_ALIAS:
            self.server.delete_alias(name, value)
        else:
            self.server.set_version_tags(name, number, {mirror_plan.STAGE_TAG: value})

    def _record(self, reading: _Reading, missing: set[int]) -> list[int]:
        """Mark the promotions that MLflow shows as applied, each once; note what it has lost."""
        applied = []
        with transaction.atomic():
            if Fence(self.context.job_id, self.context.attempt).lock() is None:
                raise LostLease("The job is no longer this worker's.")
            # As decisions do, before anything else: two that wait for each other would never end.
            RegisteredModel.objects.select_for_update().get(pk=self.model.pk)
            for number, version in reading.versions.items():
                self._note(version, _lost(number) if number in missing else "")
            for promotion_id, number in reading.approved.items():
                if number not in missing and self._mark_applied(promotion_id, number):
                    applied.append(promotion_id)
        for promotion_id in applied:
            self.context.log(f"Promotion {promotion_id} is applied.")
        return applied

    def _note(self, version: ModelVersion, problem: str) -> None:
        if version.mlflow_problem != problem:
            ModelVersion.objects.filter(pk=version.pk).update(mlflow_problem=text(problem, 1000))

    def _mark_applied(self, promotion_id: int, number: int) -> bool:
        marked = Promotion.objects.filter(pk=promotion_id, state=Promotion.State.APPROVED).update(
            state=Promotion.State.APPLIED, applied_at=timezone.now()
        )
        if marked:
            promotion = Promotion.objects.select_related("version__model").get(pk=promotion_id)
            target = trail_targets.of_promotion(promotion)
            data = {"job": self.context.job_id, "mlflow_version": number}
            trail.record(Event.PROMOTION_APPLIED, actor=trail.SYSTEM, target=target, data=data)
        return bool(marked)

    def _refuse_losses(self, reading: _Reading, missing: set[int]) -> None:
        lost = [reading.versions[number] for number in sorted(missing)]
        for version in lost:
            self.context.log(f"{version}: {_lost(version.mlflow_version)}")
        serving = [version for version in lost if version.stage in _SERVING]
        if serving:
            names = ", ".join(f"{one} ({one.stage}, MLflow version {one.mlflow_version})" for one in serving)
            explanation = _("Deleted in MLflow: %(versions)s. MLflow cannot bring a version back.")
            raise IntegrationError(explanation % {"versions": names}, permanent=True)


def _lost(number: int | None) -> str:
    return _("MLflow has no version %(number)s of this model any more.") % {"number": number}
