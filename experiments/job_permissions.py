"""Who may have a job done. Where the job works on a model, the app that knows models decides.

This app knows no models, only the word by which payloads name them (see `experiments.job_visibility`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from experiments.job_visibility import subject_of

Guard = Callable[[User, Permission, str, trail.Target], None]

_guards: list[Guard] = []


def guard(rule: Guard) -> None:
    """Add `rule`: it lets pass who may do a permission to the model of that name, else it refuses.

    Adding it again changes nothing.
    """
    if rule not in _guards:
        _guards.append(rule)


def require(user: User, permission: Permission, payload: Mapping[str, Any], *, target: trail.Target) -> None:
    """Let pass who may have a job with `payload` done; record and refuse who may not.

    :param permission: what jobs of this kind need
    :param target: what they want to do it to, for the trail
    :raises PermissionDenied: they may not
    """
    subject = subject_of(payload)
    if subject is None or not _guards:
        access.require(user, permission, target=target)
        return
    for rule in _guards:
        rule(user, permission, subject, target)
