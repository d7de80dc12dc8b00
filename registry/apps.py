"""Django application `registry`."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Registers the application with Django."""

    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"
