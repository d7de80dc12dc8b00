"""Django application `experiments`."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    """Registers the application with Django."""

    name = "experiments"
    default_auto_field = "django.db.models.BigAutoField"
