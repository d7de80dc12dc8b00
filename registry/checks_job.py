"""Runner of kind `check`: verify the artifacts of a version, then load and run its model once.

Idempotent: what this job has stored already is not stored again. A result is about the digest that the
version has when the artifacts are read; should that change meanwhile, the result does not count.
"""

import os
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from experiments.job_context import JobContext, LostLease
from experiments.job_fence import Fence
from experiments.runners import Outcome
from integrations import model_smoke
from integrations.errors import IntegrationError
from integrations.mlflow_server import MLflowServer
from registry import artifact_check, checks
from registry.artifact_check import CheckOutcome
from registry.models import CheckResult, ModelVersion

_VERIFY, _SMOKE = "verify artifacts", "smoke test"
_ARTIFACTS, _SMOKE_TEST = CheckResult.Kind.ARTIFACTS.value, CheckResult.Kind.SMOKE_TEST.value


def run(context: JobContext) -> Outcome:
    """Check the version that the payload names.

    :raises IntegrationError: temporary while MLflow cannot be reached; permanent if there is no such version
    """
    version = _version(context)
    folder = context.workspace / "model"
    wanted = _SMOKE_TEST in context.payload.get("checks", checks.BY_JOB)
    context.check()
    context.step(_VERIFY, "running")
    fetch = folder if wanted and _fits(version) else None
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    artifacts = artifact_check.compare(version, server, into=fetch, between=context.check)
    _keep(context, version, _ARTIFACTS, artifacts)
    context.step(_VERIFY, "done" if artifacts.passed else "failed")
    if not wanted:
        context.step(_SMOKE, "skipped")
        return Outcome({"artifacts": artifacts.passed})
    context.step(_SMOKE, "running")
    smoke = _smoke(context, version, artifacts, folder)
    _keep(context, version, _SMOKE_TEST, smoke)
    context.step(_SMOKE, "done" if smoke.passed else "failed")
    return Outcome({"artifacts": artifacts.passed, "smoke_test": smoke.passed})


def _version(context: JobContext) -> ModelVersion:
    asked = context.payload
    rows = ModelVersion.objects.select_related("model")
    version = rows.filter(model__name=asked["model"], version=asked["version"]).first()
    if version is None:
        text = _("%(model)s has no version %(version)s.") % asked
        raise IntegrationError(text, permanent=True)
    return version


def _fits(version: ModelVersion) -> bool:
    return artifact_check.total_bytes(version) <= artifact_check.MAX_DOWNLOAD_BYTES


def _smoke(context: JobContext, version: ModelVersion, artifacts: CheckOutcome, folder: Path) -> CheckOutcome:
    if not artifacts.passed:
        return CheckOutcome(False, "Not run, because the artifacts are not those that were registered.")
    if not _fits(version):
        return CheckOutcome(False, "Not run, because the model is too large to be fetched for it.")
    work = context.workspace / "smoke"
    work.mkdir()
    tested = model_smoke.run(
        folder,
        work,
        env=os.environ,
        should_stop=context.should_stop,
        on_line=context.log,
        marker=context.marker,
    )
    context.check()
    if tested is None:
        raise IntegrationError(_("The smoke test was interrupted."), permanent=False)
    details = {name: value for name, value in asdict(tested).items() if name not in ("passed", "reason")}
    return CheckOutcome(tested.passed, tested.reason, details)


def _keep(context: JobContext, version: ModelVersion, kind: str, outcome: CheckOutcome) -> None:
    """Store a result unless an earlier attempt has; the log tells it in any case."""
    context.log(f"{'PASSED' if outcome.passed else 'FAILED'} {kind}: {outcome.summary}")
    for name in ("changed", "missing", "added"):
        for path in outcome.details.get(name, ()):
            context.log(f"{name}: {path}")
    with transaction.atomic():
        if Fence(context.job_id, context.attempt).lock() is None:
            raise LostLease("The job is no longer this worker's.")
        if CheckResult.objects.filter(version=version, kind=kind, job=context.job_id).exists():
            return
        checks.store(
            version,
            kind,
            outcome.passed,
            outcome.summary,
            outcome.details,
            manifest_digest=version.manifest_digest,
            job=context.job_id,
        )
