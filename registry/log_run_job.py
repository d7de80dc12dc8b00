"""Runner of the job kind `log_run`: log the result of a pipeline job to MLflow, and mirror it.

The training code knows nothing of MLflow. Everything that is logged comes from the result of the job and the
files of its commit, so it can be done again at any time. The run carries a key, its texts are set, its points
and files are the same each time: however often this is tried, there is one run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction

from audit import trail
from audit.events import Event
from audit.models import AuditEntry
from experiments import repositories, sync
from experiments.job_context import JobContext
from experiments.models import Job, Repository, Run
from experiments.pipeline_clone import PipelineClone
from experiments.runners import FollowUp, Outcome
from integrations.dvc_records import Pipeline
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from integrations.mlflow_records import RunRecord
from integrations.mlflow_server import MLflowServer
from registry import access, logged_model, registration, run_contents, run_metadata
from registry.logged_model import LoggedModel
from registry.metadata import ModelMetadata


def run(context: JobContext) -> Outcome:
    """Log the pipeline job that the payload names; then, if asked for, have its run registered.

    :raises IntegrationError: temporary while MLflow cannot be reached
    """
    job = Job.objects.select_related("repository").filter(pk=context.payload["pipeline"]).first()
    if job is None or job.repository is None or not job.result:
        raise IntegrationError("The result of this pipeline job is not there any more.", permanent=True)
    return _Logging(context, job, job.repository).run()


class _Logging:
    """One attempt at logging the result of one job."""

    def __init__(self, context: JobContext, job: Job, repository: Repository) -> None:
        self.context = context
        self.job = job
        self.result: dict[str, Any] = job.result
        self.repository = repository
        self.server = MLflowServer(settings.MLFLOW_TRACKING_URI)
        self.clone = PipelineClone(context)
        self.started = datetime.fromisoformat(self.result["started_at"])
        self.finished = datetime.fromisoformat(self.result["finished_at"])

    def run(self) -> Outcome:
        record = self._run()  # first, so that nothing is done for a server that is away
        with self.context.doing("fetch result"):
            pipeline = self._fetch()
        with self.context.doing("package model"):
            model, problem = self._model(pipeline, record)
        metadata = run_metadata.of_job(
            model.name if model else self.repository.name, self.result, model.facts() if model else None
        )
        with self.context.doing("log run"):
            self._log(record, pipeline, metadata, model, problem)
        with self.context.doing("mirror"):
            run = sync.mirror_run(record.run_id, self.server)
            self._record(run)
        return self._outcome(run, metadata, problem)

    def _run(self) -> RunRecord:
        return self.server.find_or_create_run(
            self.repository.experiment_name,
            key=f"job:{self.job.pk}",
            name=self.result["note"] or f"{self.repository.name} {self.result['sha'][:8]}",
            start_time=_milliseconds(self.started),
        )

    def _fetch(self) -> Pipeline:
        """Bring the commit of the result here, with what is logged of its data."""
        mirror = GitMirror(repositories.mirror_path(self.repository))
        self.clone.make(mirror, self.result["sha"])
        pipeline = self.clone.pipeline()
        wanted = run_contents.cached_files(pipeline)
        self.clone.fetch([path for path in wanted if not (self.clone.path / path).exists()])
        self.clone.verify(self.clone.lock(), pipeline, whole=False)
        return pipeline

    def _model(self, pipeline: Pipeline, record: RunRecord) -> tuple[LoggedModel | None, str]:
        """Return the model ready for upload, or why there is none: a run without one is worth logging."""
        found = logged_model.model_of(pipeline)
        if found is None:
            return None, f"{self.repository.name} declares no artifact of type model in dvc.yaml."
        name, path = found
        try:
            model = logged_model.prepare(
                name,
                logged_model.file_in(self.clone.path, path),
                self.context.workspace / "model",
                run_id=record.run_id,
                created_at=self.finished,
            )
        except IntegrationError as error:
            if not error.permanent:
                raise
            return None, error.message
        return model, ""

    def _log(
        self,
        record: RunRecord,
        pipeline: Pipeline,
        metadata: ModelMetadata,
        model: LoggedModel | None,
        problem: str,
    ) -> None:
        run_id = record.run_id
        folder = self.context.workspace / "files"
        left_out = run_contents.collect_files(self.clone.path, pipeline, folder)
        run_contents.write_metadata(folder, metadata, self.result["environment"])
        curves = run_contents.curves(self.clone.path, pipeline, self.result["metrics"])
        points, refused = run_contents.points(curves, _milliseconds(self.finished))
        params, refused_params = run_contents.params(self.result["params"])
        for what in (*left_out, *refused, *refused_params, *filter(None, [problem])):
            self.context.log(f"Not logged: {what}")
        self.server.log_params(run_id, params)
        self.server.log_metrics(run_id, points)
        self.server.log_artifacts(run_id, folder)
        self.context.check()
        if model is not None:
            self.server.log_artifacts(run_id, model.folder, "model")
        tags = run_contents.tags(self.job, self.repository, metadata)
        self.server.set_tags(run_id, {**tags, **(model.schemas() if model else {})})
        self.server.finish_run(run_id, "FINISHED", _milliseconds(self.finished))

    def _record(self, run: Run) -> None:
        """Tell the trail, once however often this is tried."""
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=self.job.pk)
            if AuditEntry.objects.filter(event=Event.RUN_LOGGED, target_id=run.run_id).exists():
                return
            trail.record(
                Event.RUN_LOGGED,
                actor=trail.SYSTEM,
                target=trail.Target("run", run.run_id, run.name[:200] or run.run_id),
                data={
                    "pipeline_job": self.job.pk,
                    "submitted_by": self.job.submitted_by_name,
                    "repository": self.repository.name,
                    "commit": self.result["sha"],
                    "experiment": run.experiment.name,
                },
            )

    def _outcome(self, run: Run, metadata: ModelMetadata, problem: str) -> Outcome:
        missing = [name for names in metadata.missing().values() for name in names]
        if missing:
            self.context.log(f"Not recorded: {', '.join(missing)}")
        result: dict[str, Any] = {
            "run_id": run.run_id,
            "experiment_id": run.experiment.experiment_id,
            "experiment": run.experiment.name,
            "missing": missing,
            "model_problem": problem,
        }
        self.context.message(f"Run {run.name}")
        asked = self.context.payload.get("register_as")
        if asked is None:
            return Outcome(result)
        try:
            if problem:
                raise ValidationError({"model": problem})
            self._check_permission(asked["model"])
            payload = registration.prepare(
                run, asked["model"], version=asked.get("version", ""), reason=asked.get("reason", "")
            )
        except ValidationError as error:
            result["registration_problem"] = " ".join(error.messages)
            self.context.log(f"Not registered: {result['registration_problem']}")
            return Outcome(result)
        return Outcome(result, (FollowUp("register", payload),))

    def _check_permission(self, model_name: str) -> None:
        """Ask again: while the pipeline ran, a role can have been taken away or the model restricted."""
        user = self.job.submitted_by
        refusal = access.refusal_to_register(user or AnonymousUser(), model_name)
        if refusal:
            raise ValidationError({"model": refusal})


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
