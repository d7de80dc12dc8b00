"""Django application `lineage`."""

from django.apps import AppConfig


class LineageConfig(AppConfig):
    """Registers the application with Django."""

    name = "lineage"
    default_auto_field = "django.db.models.BigAutoField"
