"""Mirrors the stages that our database decided into MLflow: stage, alias and tag."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Permission
from audit import trail
from experiments import job_changes, runners
from experiments.job_context import JobContext
from experiments.job_states import JobState
from experiments.models import Job
from experiments.runners import Outcome
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import NOT_FOUND
from integrations.mlflow_server import MLflowServer
from registry import access, checks, mirror_lease, mirror_plan, mirror_reading, mirror_results, trail_targets
from registry.conflicts import ConflictError
from registry.mirror_plan import Change, Kind
from registry.mirror_reading import Reading
from registry.mirror_results import Converged
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


def again(
    model: RegisteredModel,
    *,
    user: User | None,
    promotion: Promotion | None = None,
    drifts: Sequence[int] = (),
) -> Job:
    """Queue the mirroring of `model` once more; runs in the caller's transaction, which has locked the model.

    :param user: who asked; None: the product itself
    :param promotion: the decision that is to be applied; without one all that wait and have no problem
    :param drifts: what is to be put right by it
    :returns: the job that does it, which may be under way already
    """
    number = promotion.pk if promotion else None
    for job in under_way(model):
        if job.payload.get("promotion") == number and set(drifts) <= set(job.payload.get("drifts", ())):
            return job
    return job_changes.create(
        runners.get("apply"),
        {"model": model.name, "promotion": number, "drifts": list(drifts)},
        submitter=user,
        name=user.username if user else trail.SYSTEM.name,
        actor=None if user else trail.SYSTEM,
    )


def under_way(model: RegisteredModel) -> QuerySet[Job]:
    """Return the jobs that are going to write, or write, `model` to MLflow."""
    states = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)
    return Job.objects.filter(kind="apply", state__in=states, payload__model=model.name).order_by("pk")


def retry(promotion: Promotion, *, user: User) -> Job:
    """Have a promotion that could not be applied tried once more, its artifacts verified anew.

    :raises PermissionDenied: `user` may not decide about what MLflow says of this model
    :raises ConflictError: the promotion does not wait to be applied, or its version has moved on since
    """
    target = trail_targets.of_promotion(promotion)
    model = promotion.version.model
    access.require_on(user, Permission.DRIFT_RESOLVE, model, target=target)
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        fresh = Promotion.objects.select_related("version__model").get(pk=promotion.pk)
        if fresh.state != Promotion.State.APPROVED or fresh.version.stage != fresh.to_stage:
            raise ConflictError(_("This promotion does not wait to be applied any more."))
        return again(model, user=user, promotion=fresh)


def apply(context: JobContext) -> Outcome:
    """Runner of kind `apply`: make MLflow say what our database says about one model.

    Reads the stages when it runs, not when it was queued, and marks every approved promotion that MLflow then
    shows as applied. A promotion is applied only if the artifacts are still those that were approved: the one
    in the payload is verified first (without one: all that wait), the others are left to their own jobs.

    :raises IntegrationError: temporary while MLflow cannot be reached or somebody else changes it; permanent
        if artifacts have changed, or MLflow has lost a version that is in Staging or Production (everything
        else has been mirrored then)
    """
    model = RegisteredModel.objects.filter(name=context.payload["model"]).first()
    if model is None:
        raise IntegrationError(
            _("There is no model %(model)s.") % {"model": context.payload["model"]}, permanent=True
        )
    return _Mirroring(context, model).run()


class _Mirroring:
    """One attempt at mirroring one model."""

    def __init__(self, context: JobContext, model: RegisteredModel) -> None:
        self.context = context
        self.model = model
        self.server = MLflowServer(settings.MLFLOW_TRACKING_URI)
        self.changed: list[str] = []
        self.verified: set[int] = set()
        self.refused: dict[int, str] = {}

    def run(self) -> Outcome:
        self._name_the_unnumbered()
        self.context.step("verify artifacts", "running")
        # Before the lease: hashing takes its time, and a rollback must not wait for it.
        self._verify()
        self.context.step("verify artifacts", "done")
        with mirror_lease.held(self.model, self.context):
            self.context.step("write to MLflow", "running")
            converged = self._converge()
            self.context.step("write to MLflow", "done")
            self.context.step("record", "running")
            applied = mirror_results.record(self.context, self.model, converged)
            self.context.step("record", "done")
        if not self.changed:
            self.context.log(f"MLflow says of {self.model} what it should; nothing was changed.")
        self._refuse_changed_artifacts()
        self._refuse_losses(converged)
        return Outcome({"model": self.model.name, "changed": self.changed, "applied": applied})

    def _name_the_unnumbered(self) -> None:
        for version in self.model.versions.filter(mlflow_version__isnull=True).select_related("model"):
            self.context.log(f"{version} is not in MLflow yet and is left out until its registration ends.")

    def _verify(self) -> None:
        """Hash the artifacts of what is to be applied and compare them with what was approved."""
        asked = self.context.payload.get("promotion")
        for promotion in mirror_reading.waiting(self.model):
            theirs = promotion.pk != asked if asked else bool(promotion.problem)
            if theirs or promotion.version.mlflow_version is None:
                continue
            self.context.check()
            problem = self._problem_of(promotion.version)
            if problem:
                self.refused[promotion.pk] = problem
                self.context.log(f"Promotion {promotion.pk} is not applied. {promotion.version}: {problem}")
            else:
                self.verified.add(promotion.pk)

    def _problem_of(self, version: ModelVersion) -> str:
        if not version.manifest:
            self.context.log(f"The artifacts of {version} were never hashed, so there is nothing to compare.")
            return ""
        outcome = checks.verify_artifacts(version)
        self.context.log(f"{version}: {outcome.summary}")
        return "" if outcome.passed else outcome.summary

    def _converge(self) -> Converged:
        """Compare and correct until MLflow agrees; return what it agrees with."""
        for _round in range(ROUNDS):
            self.context.check()
            reading = mirror_reading.read(self.model, lambda one: one.pk not in self.verified)
            there = self.server.model_versions(self.model.name)
            changes = mirror_plan.plan(reading.wanted, there, reading.left)
            if not changes:
                return Converged(
                    reading,
                    there,
                    mirror_plan.missing(reading.wanted, there),
                    self.refused,
                    bool(self.changed),
                )
            self._write(changes, reading)
        raise IntegrationError(
            _("Somebody else keeps changing %(model)s in MLflow.") % {"model": self.model.name},
            permanent=False,
        )

    def _write(self, changes: Sequence[Change], reading: Reading) -> None:
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

    def _refuse_changed_artifacts(self) -> None:
        for promotion_id, problem in self.refused.items():
            explanation = _("Promotion %(number)d is not applied: %(problem)s")
            facts = {"number": promotion_id, "problem": problem}
            raise IntegrationError(explanation % facts, permanent=True)

    def _refuse_losses(self, converged: Converged) -> None:
        lost = [converged.reading.versions[number] for number in sorted(converged.missing)]
        for version in lost:
            self.context.log(f"{version}: {mirror_results.lost(version.mlflow_version)}")
        serving = [version for version in lost if version.stage in _SERVING]
        if serving:
            names = ", ".join(f"{one} ({one.stage}, MLflow version {one.mlflow_version})" for one in serving)
            explanation = _("Deleted in MLflow: %(versions)s. MLflow cannot bring a version back.")
            raise IntegrationError(explanation % {"versions": names}, permanent=True)
