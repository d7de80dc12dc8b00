"""Who may use the REST interface at all; what they may do there is decided by each operation."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import access
from accounts.roles import Permission


class MayView(BasePermission):
    """Lets pass whoever has a role that may look."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether the sender of `request` is signed in and may look."""
        return access.can(request.user, Permission.VIEW)
