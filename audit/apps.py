"""Django application `audit`."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Registers the application with Django."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
