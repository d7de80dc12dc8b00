"""What a person may do to a sweep now, and why not. No queries; the operations in `sweeps` decide again."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from experiments.job_actions import Action
from experiments.models import Sweep


@dataclass(frozen=True)
class SweepActions:
    """Everything that can be done to a sweep. `cancel`: stop it and cancel its jobs."""

    stop: Action
    cancel: Action
    resume: Action


def of(sweep: Sweep, user: User, permissions: Collection[Permission], active: int) -> SweepActions:
    """Return what `user`, who has `permissions`, may do.

    :param active: how many of its jobs wait or run
    """
    mine = sweep.submitted_by_id is not None and sweep.submitted_by_id == user.pk
    stopping = _refusal(permissions, Permission.JOB_CANCEL if mine else Permission.JOB_CANCEL_ANY)
    resuming = _refusal(permissions, Permission.JOB_SUBMIT)
    if not mine:
        resuming = resuming or _refusal(permissions, Permission.JOB_CANCEL_ANY)
    running, stopped = sweep.state == Sweep.State.RUNNING, sweep.state == Sweep.State.STOPPED
    return SweepActions(
        Action(running, stopping),
        Action((running or stopped) and active > 0, stopping),
        Action(stopped, resuming),
    )


def _refusal(permissions: Collection[Permission], needed: Permission) -> str:
    return "" if needed in permissions else access.explain(needed)
