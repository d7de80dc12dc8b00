"""Django application `registry`."""

from django.apps import AppConfig
from django.utils.translation import gettext_noop as _


class RegistryConfig(AppConfig):
    """Registers the application and its kinds of jobs."""

    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs that this app runs, and the sentences that it says."""
        from accounts.roles import Permission
        from experiments import chores, job_permissions, job_visibility, production_runs, sentences
        from experiments.runners import Kind, register
        from registry import access, known_sentences, metadata_categories
        from registry import production_runs as serving

        register(
            Kind(
                "log_run",
                _("Logging to MLflow"),
                "registry.log_run_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                steps=("fetch result", "package model", "log run", "mirror"),
            )
        )
        register(
            Kind(
                "register",
                _("Registration"),
                "registry.register_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.VERSION_REGISTER,
                steps=("read run", "hash files", "inspect files", "record version", "create in MLflow"),
            )
        )
        register(
            Kind(
                "finalise",
                _("Finalisation"),
                "registry.finalise_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.VERSION_REGISTER,
                steps=("verify artifacts", "record version", "create in MLflow"),
            )
        )
        register(
            Kind(
                "inspect",
                _("Inspection of model files"),
                "registry.inspect_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.VERSION_REGISTER,
                steps=("fetch files", "inspect files", "record"),
            )
        )
        register(
            Kind(
                "apply",
                _("Stages in MLflow"),
                "registry.mirror:apply",
                queue="sync",
                max_attempts=20,
                permission=Permission.PROMOTION_REVIEW,
                steps=("verify artifacts", "write to MLflow", "record"),
            )
        )
        register(
            Kind(
                "check",
                _("Checks of a version"),
                "registry.checks_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.PROMOTION_OPEN,
                steps=("verify artifacts", "smoke test"),
            )
        )
        register(
            Kind(
                "import",
                _("Files of an adopted version"),
                "registry.import_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.VERSION_REGISTER,
                steps=("read run", "hash files", "record"),
            )
        )
        # Often enough for drift to be noticed within a minute, also when one pass is lost.
        chores.register(chores.Chore("reconcile", "registry.reconciler:run", seconds=15, lease=60))
        job_visibility.hide(access.hidden_names)
        job_permissions.guard(access.require_named)
        production_runs.ask(serving.find)
        chores.register(chores.Chore("deadlines", "registry.deadlines:keep", seconds=60))
        chores.register(chores.Chore("mail", "registry.mail:send_waiting", seconds=15, lease=120))
        sentences.add(known_sentences.ALL)
        # Marked where `registry.labels` names the fields.
        sentences.add(metadata_categories.LABELS.values())
