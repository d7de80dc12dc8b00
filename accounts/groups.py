"""The Django groups that stand for the roles."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS

from accounts.roles import Role


def create(using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_signal: Any) -> None:
    """Create the groups that are missing. Runs after every `migrate`; idempotent."""
    try:
        group = apps.get_model("auth", "Group")
    except LookupError:  # so far only other apps were migrated
        return
    for role in Role:
        group._default_manager.using(using).get_or_create(name=role.value)
