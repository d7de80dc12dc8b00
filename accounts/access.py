"""What a person may do. Operations ask here before they open their transaction."""

from typing import NoReturn

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import roles
from accounts.models import User
from accounts.roles import Permission, Role
from audit import trail
from audit.events import Event

Person = User | AnonymousUser

ROLE_LABELS = {
    Role.VIEWER: gettext_lazy("viewer"),
    Role.ENGINEER: gettext_lazy("engineer"),
    Role.REVIEWER: gettext_lazy("reviewer"),
    Role.AUDITOR: gettext_lazy("auditor"),
    Role.ADMINISTRATOR: gettext_lazy("administrator"),
}

_ACTS = {
    Permission.VIEW: gettext_lazy("look at models, runs and jobs"),
    Permission.JOB_SUBMIT: gettext_lazy("start jobs"),
    Permission.JOB_CANCEL: gettext_lazy("cancel their own jobs"),
    Permission.JOB_CANCEL_ANY: gettext_lazy("cancel the jobs of others"),
    Permission.RUN_EDIT: gettext_lazy("edit runs"),
    Permission.JOB_PRIORITISE: gettext_lazy("put jobs before those of others"),
    Permission.SAVED_VIEW_MANAGE: gettext_lazy("change the saved views of others"),
    Permission.REPOSITORY_CONNECT: gettext_lazy("connect repositories"),
    Permission.REPOSITORY_FETCH: gettext_lazy("fetch repositories"),
    Permission.DATA_READ: gettext_lazy("have lists of files and plots read"),
    Permission.GOAL_DECLARE: gettext_lazy("say which values of metrics are better"),
    Permission.MODEL_EDIT: gettext_lazy("create and edit models"),
    Permission.VERSION_REGISTER: gettext_lazy("register model versions"),
    Permission.VERSION_REPRODUCE: gettext_lazy("have versions reproduced"),
    Permission.PROMOTION_OPEN: gettext_lazy("open promotions"),
    Permission.PROMOTION_REVIEW: gettext_lazy("review promotions"),
    Permission.PROMOTION_ROLLBACK: gettext_lazy("roll production back"),
    Permission.PROMOTION_BYPASS: gettext_lazy("put a version into Production in an emergency"),
    Permission.DEPLOYMENT_RECORD: gettext_lazy("record deployments"),
    Permission.GATE_WAIVE: gettext_lazy("waive gates"),
    Permission.DRIFT_RESOLVE: gettext_lazy("decide about drift in MLflow"),
    Permission.MEMBER_MANAGE: gettext_lazy("manage the members of models"),
    Permission.POLICY_EDIT: gettext_lazy("edit policies"),
    Permission.AUDIT_READ: gettext_lazy("read the audit trail"),
    Permission.USER_MANAGE: gettext_lazy("manage users"),
    Permission.TOKEN_CREATE: gettext_lazy("create API tokens"),
}


def roles_of(user: Person) -> frozenset[Role]:
    """Return the roles of `user`: none for the anonymous and the inactive. One query."""
    if not (user.is_authenticated and user.is_active):
        return frozenset()
    held = frozenset(Role(group.name) for group in user.groups.all() if group.name in set(Role))
    return held | {Role.ADMINISTRATOR} if user.is_superuser else held


def permissions_of(user: Person) -> frozenset[Permission]:
    """Return everything `user` may do. One query: ask once where many answers are needed."""
    return roles.permissions_of(roles_of(user))


def permissions_for(request: HttpRequest) -> frozenset[Permission]:
    """Return everything the person behind `request` may do, for what is shown to them. One query a request.

    Whether somebody may really do something is asked anew, by the operation that does it. The roles stay with
    the person for the rest of the request, so that whatever else asks for them asks no database.
    """
    found: frozenset[Permission] | None = getattr(request, "_permissions", None)
    if found is None:
        if request.user.is_authenticated:
            prefetch_related_objects([request.user], "groups")
        found = permissions_of(request.user)
        request._permissions = found  # type: ignore[attr-defined]
    return found


def can(user: Person, permission: Permission) -> bool:
    """Say whether `user` may do `permission`, without a trace."""
    return permission in permissions_of(user)


def require(user: Person, permission: Permission, *, target: trail.Target | None = None) -> None:
    """Let pass who may do `permission`; record and refuse who may not.

    Call it before the operation opens its transaction: the refusal would roll the transaction back, and the
    entry that tells of the refusal with it.

    Args:
        user: who wants to.
        permission: what they need.
        target: what they want to do it to, for the trail.

    Raises:
        PermissionDenied: they may not; the message says which roles may.
        RuntimeError: they may not, and a transaction is open.
    """
    if not can(user, permission):
        refuse(user, permission, target=target, sentence=explain(permission))


def refuse(
    user: Person, permission: Permission, *, target: trail.Target | None = None, sentence: str
) -> NoReturn:
    """Record that `user` was refused, and refuse. For those who decide by more than the role; see `require`.

    Args:
        user: who wanted to.
        permission: what they would have needed.
        target: what they wanted to do it to, for the trail.
        sentence: what they are told.

    Raises:
        PermissionDenied: always, with `sentence`.
        RuntimeError: a transaction is open.
    """
    target = target or trail.Target("permission", permission, permission)
    with transaction.atomic(durable=True):
        data = {"permission": permission, "roles": sorted(roles_of(user))}
        trail.record(Event.PERMISSION_DENIED, actor=actor(user), target=target, data=data)
    raise PermissionDenied(sentence)


def explain(permission: Permission) -> str:
    """Return the sentence that says which roles may do `permission`."""
    names = ", ".join(str(ROLE_LABELS[role]) for role in roles.roles_with(permission))
    return _("Only these roles may %(act)s: %(roles)s.") % {"act": _ACTS[permission], "roles": names}


def actor(user: Person) -> trail.Actor:
    """Return `user` as the trail names them."""
    if not user.is_authenticated:
        return trail.Actor("anonymous", "anonymous")
    return trail.Actor(str(user.pk), user.username)


def target(user: User) -> trail.Target:
    """Return `user` as the one to whom something is done."""
    return trail.Target("user", str(user.pk), user.username)


def signed_in(request: HttpRequest) -> User:
    """Return the person behind `request`.

    Raises:
        PermissionDenied: nobody is signed in, which LoginRequiredMiddleware normally prevents.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied(_("Sign in first."))
    return request.user
