"""What a person may do to a job now, and why not. No queries; the operations in `jobs` decide again."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from experiments import applying, runners
from experiments.job_priority import WORDS
from experiments.job_queue import WAITING
from experiments.job_states import Actor, JobState, can
from experiments.job_words import priority_label
from experiments.models import Job, Priority


@dataclass(frozen=True)
class Action:
    """One thing that can be done.

    :ivar offered: whether the job's state allows it at all
    :ivar refusal: why this person may not; empty if they may
    """

    offered: bool
    refusal: str = ""


@dataclass(frozen=True)
class JobActions:
    """Everything that can be done to a job.

    :ivar again: open the run form with what it was run with
    :ivar prioritise: put it before or behind others
    :ivar apply: put its result onto a branch
    """

    cancel: Action
    retry: Action
    again: Action
    prioritise: Action
    apply: Action


def of(job: Job, user: User, permissions: Collection[Permission]) -> JobActions:
    """Return what `user`, who has `permissions`, may do to `job`."""
    return JobActions(
        _cancel(job, user, permissions),
        _retry(job, user, permissions),
        _again(job, permissions),
        _prioritise(job, user, permissions),
        _apply(job, permissions),
    )


def priorities(permissions: Collection[Permission]) -> list[tuple[str, str]]:
    """Return the priorities that somebody with `permissions` may give: words for forms, for people."""
    found = ((word, one) for word, one in WORDS.items())
    return [
        (word, priority_label(one))
        for word, one in found
        if one <= Priority.NORMAL or Permission.JOB_PRIORITISE in permissions
    ]


def _cancel(job: Job, user: User, permissions: Collection[Permission]) -> Action:
    if JobState(job.state).is_terminal or job.cancel_requested_at is not None:
        return Action(offered=False)
    if Permission.JOB_CANCEL_ANY in permissions or (
        job.belongs_to(user) and Permission.JOB_CANCEL in permissions
    ):
        return Action(offered=True)
    if Permission.JOB_CANCEL in permissions:
        reason = _("Only %(name)s or an administrator may cancel it.") % {"name": job.submitted_by_name}
        return Action(offered=True, refusal=reason)
    return Action(offered=True, refusal=access.explain(Permission.JOB_CANCEL))


def _retry(job: Job, user: User, permissions: Collection[Permission]) -> Action:
    if not can(job.state, JobState.QUEUED, Actor.PERSON):
        return Action(offered=False)
    try:
        needed = runners.get(job.kind).permission
    except runners.UnknownKindError as error:
        return Action(offered=True, refusal=str(error))
    if needed not in permissions:
        return Action(offered=True, refusal=access.explain(needed))
    if job.belongs_to(user) or Permission.JOB_CANCEL_ANY in permissions:
        return Action(offered=True)
    reason = _("Only %(name)s or an administrator may retry it.") % {"name": job.submitted_by_name}
    return Action(offered=True, refusal=reason)


def _apply(job: Job, permissions: Collection[Permission]) -> Action:
    refusal = "" if Permission.JOB_SUBMIT in permissions else access.explain(Permission.JOB_SUBMIT)
    return Action(offered=applying.can_be_applied(job), refusal=refusal)


def _prioritise(job: Job, user: User, permissions: Collection[Permission]) -> Action:
    if job.state not in WAITING:
        return Action(offered=False)
    if Permission.JOB_SUBMIT not in permissions:
        return Action(offered=True, refusal=access.explain(Permission.JOB_SUBMIT))
    if job.belongs_to(user) or Permission.JOB_PRIORITISE in permissions:
        return Action(offered=True)
    return Action(offered=True, refusal=access.explain(Permission.JOB_PRIORITISE))


def _again(job: Job, permissions: Collection[Permission]) -> Action:
    refusal = "" if Permission.JOB_SUBMIT in permissions else access.explain(Permission.JOB_SUBMIT)
    return Action(offered=job.kind == "pipeline" and job.repository_id is not None, refusal=refusal)
