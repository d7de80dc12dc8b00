"""Operation: say which of the jobs that wait comes first."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_changes
from experiments.job_queue import WAITING
from experiments.jobs import WrongStateError
from experiments.models import Job, Priority

#: How forms and REST write priorities.
WORDS = {one.name.lower(): one for one in sorted(Priority, reverse=True)}


def change(job: Job, priority: Priority, *, user: User) -> Job:
    """Put a waiting job before or behind others; the same priority again changes nothing.

    :raises PermissionDenied: `user` may not do this to the jobs of others, or put any before all others
    :raises WrongStateError: it does not wait any more
    """
    target = job_changes.target(job)
    access.require(user, Permission.JOB_SUBMIT, target=target)
    require(user, priority, target=target)
    if not job.belongs_to(user):
        access.require(user, Permission.JOB_PRIORITISE, target=target)
    with transaction.atomic():
        row = Job.objects.select_for_update().get(pk=job.pk)
        if row.state not in WAITING:
            raise WrongStateError(_("Job #%(id)s does not wait any more.") % {"id": job.pk})
        before = Priority(row.priority)
        if before != priority:
            row.priority = priority
            row.save(update_fields=["priority"])
            data = {"before": before.name.lower(), "after": priority.name.lower()}
            trail.record(Event.JOB_PRIORITY_CHANGED, actor=access.actor(user), target=target, data=data)
    return row


def require(user: User, priority: Priority, *, target: trail.Target) -> None:
    """Let pass who may give a job `priority`; record and refuse who may not.

    :raises PermissionDenied: it would go before the jobs of others
    """
    if priority > Priority.NORMAL:
        access.require(user, Permission.JOB_PRIORITISE, target=target)
