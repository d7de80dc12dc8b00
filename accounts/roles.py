"""Rules: which role may do what. No database, no Django."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """A role; the value is the name of its Django group."""

    VIEWER = "viewer"
    ENGINEER = "engineer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """One thing a person may be allowed to do."""

    VIEW = "view"
    JOB_SUBMIT = "job.submit"
    JOB_CANCEL = "job.cancel"  # one's own
    JOB_CANCEL_ANY = "job.cancel_any"
    RUN_EDIT = "run.edit"
    JOB_PRIORITISE = "job.prioritise"  # those of others, and one's own before all
    SAVED_VIEW_MANAGE = "saved_view.manage"  # those of others
    REPOSITORY_CONNECT = "repository.connect"
    REPOSITORY_FETCH = "repository.fetch"
    DATA_READ = "data.read"
    GOAL_DECLARE = "goal.declare"
    MODEL_EDIT = "model.edit"
    VERSION_REGISTER = "version.register"
    VERSION_REPRODUCE = "version.reproduce"
    PROMOTION_OPEN = "promotion.open"
    PROMOTION_REVIEW = "promotion.review"
    PROMOTION_ROLLBACK = "promotion.rollback"
    PROMOTION_BYPASS = "promotion.bypass"
    DEPLOYMENT_RECORD = "deployment.record"
    GATE_WAIVE = "gate.waive"
    DRIFT_RESOLVE = "drift.resolve"
    MEMBER_MANAGE = "member.manage"
    POLICY_EDIT = "policy.edit"
    AUDIT_READ = "audit.read"
    USER_MANAGE = "user.manage"
    TOKEN_CREATE = "token.create"  # noqa: S105  a permission's name, no secret


_EVERYBODY = frozenset({Permission.VIEW, Permission.TOKEN_CREATE})

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _EVERYBODY,
    Role.ENGINEER: _EVERYBODY
    | {
        Permission.JOB_SUBMIT,
        Permission.JOB_CANCEL,
        Permission.RUN_EDIT,
        Permission.REPOSITORY_FETCH,
        Permission.DATA_READ,
        Permission.GOAL_DECLARE,
        Permission.MODEL_EDIT,
        Permission.VERSION_REGISTER,
        Permission.VERSION_REPRODUCE,
        Permission.PROMOTION_OPEN,
        Permission.DEPLOYMENT_RECORD,
    },
    Role.REVIEWER: _EVERYBODY
    | {
        Permission.JOB_CANCEL,
        Permission.DATA_READ,
        Permission.VERSION_REPRODUCE,
        Permission.PROMOTION_REVIEW,
        Permission.PROMOTION_ROLLBACK,
        Permission.DRIFT_RESOLVE,
    },
    Role.AUDITOR: _EVERYBODY
    | {
        Permission.AUDIT_READ,
        Permission.JOB_CANCEL,
        Permission.DATA_READ,
        Permission.VERSION_REPRODUCE,
    },
    Role.ADMINISTRATOR: frozenset(Permission),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return everything that somebody with all of `roles` may do."""
    return frozenset().union(*(GRANTS[role] for role in roles))


def roles_with(permission: Permission) -> list[Role]:
    """Return the roles that may do `permission`, in the order in which roles are declared."""
    return [role for role in Role if permission in GRANTS[role]]
