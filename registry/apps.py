"""Django application `registry`."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Registers the application and its kinds of jobs."""

    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs that this app runs."""
        from accounts.roles import Permission
        from experiments.runners import Kind, register

        register(
            Kind(
                "log_run",
                "Logging to MLflow",
                "registry.log_run_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                steps=("fetch result", "package model", "log run", "mirror"),
            )
        )
        register(
            Kind(
                "register",
                "Registration",
                "registry.register_job:run",
                max_attempts=20,  # a quarter of an hour without MLflow
                permission=Permission.VERSION_REGISTER,
                steps=("read run", "hash files", "record version", "create in MLflow"),
            )
        )
        register(
            Kind(
                "apply",
                "Stages in MLflow",
                "registry.mirror:apply",
                queue="sync",
                max_attempts=20,
                permission=Permission.PROMOTION_REVIEW,
                steps=("write to MLflow", "record"),
            )
        )
