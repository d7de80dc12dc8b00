"""Django application `config`: settings, urls, checks, the home page and the embedded stack."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the application with Django."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from config import checks  # noqa: F401 - importing registers them
