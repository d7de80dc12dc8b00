"""Django application `accounts`."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Registers the application with Django."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the groups of the roles in place."""
        from accounts import groups

        post_migrate.connect(groups.create, sender=self, dispatch_uid="accounts.groups")
