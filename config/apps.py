"""Django application `config`: settings, urls, checks, the home page and the embedded stack."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the application with Django."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and the chores of the trail, whose app knows no chores."""
        from config import checks  # noqa: F401 - importing registers them
        from experiments import chores

        chores.register(chores.Chore("audit-checkpoint", "audit.checkpoints:keep", seconds=120))
        chores.register(chores.Chore("audit-verify", "audit.verification:keep", seconds=120))
