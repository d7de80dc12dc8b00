"""Django application `experiments`."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop as _


class ExperimentsConfig(AppConfig):
    """Registers the application and its kinds of jobs."""

    name = "experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs that this app runs, and the sentences that it says."""
        from accounts.roles import Permission
        from experiments import chores, known_sentences, sentences, sweep_progress
        from experiments.runners import Kind, register
        from experiments.signals import job_finished

        register(
            Kind(
                "fetch",
                _("Fetch of a repository"),
                "experiments.fetch_job:run",
                queue="sync",
                max_attempts=3,
                permission=Permission.REPOSITORY_FETCH,
                steps=("fetch", "read experiments"),
            )
        )
        register(
            Kind(
                "apply_result",
                _("Result for a branch"),
                "experiments.apply_job:run",
                queue="sync",
                max_attempts=5,
                steps=("fetch", "check", "commit", "push"),
            )
        )
        register(
            Kind("pipeline", _("Pipeline run"), "experiments.pipeline_job:run", max_attempts=2, limited=True)
        )
        register(
            Kind("sync", _("Mirror of MLflow"), "experiments.sync_job:run", queue="sync", max_attempts=3)
        )
        register(
            Kind(
                "edit_runs",
                _("Edit of runs"),
                "experiments.run_edit_job:run",
                queue="sync",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.RUN_EDIT,
                steps=("write to MLflow", "record"),
            )
        )
        register(
            Kind(
                "importance",
                _("Importance of parameters"),
                "experiments.importance_job:run",
                steps=("read runs", "compute"),
            )
        )
        chores.register(
            chores.Chore(
                "run-files",
                "experiments.file_reading:read_asked",
                seconds=1,
                lease=60,
                wanted="experiments.run_files:is_asked",
            )
        )
        chores.register(
            chores.Chore(
                "sweeps",
                "experiments.sweep_chore:run",
                seconds=2,
                lease=120,
                wanted="experiments.sweep_progress:is_any_running",
            )
        )
        job_finished.connect(sweep_progress.on_job_finished, dispatch_uid="sweeps")
        sentences.add(known_sentences.ALL)
