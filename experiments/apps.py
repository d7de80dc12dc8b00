"""Django application `experiments`."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    """Registers the application and its kinds of jobs."""

    name = "experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs that this app runs."""
        from accounts.roles import Permission
        from experiments.runners import Kind, register

        register(
            Kind(
                "fetch",
                "Fetch of a repository",
                "experiments.fetch_job:run",
                queue="sync",
                max_attempts=3,
                permission=Permission.REPOSITORY_FETCH,
                steps=("fetch", "read commits"),
            )
        )
        register(Kind("pipeline", "Pipeline run", "experiments.pipeline_job:run", max_attempts=2))
        register(Kind("sync", "Mirror of MLflow", "experiments.sync_job:run", queue="sync", max_attempts=3))
