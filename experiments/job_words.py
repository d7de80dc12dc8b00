"""Priorities and places of jobs in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from experiments.models import Job, Priority

PRIORITIES: dict[Priority, Promise] = {
    Priority.LOW: pgettext_lazy("priority", "low"),
    Priority.NORMAL: pgettext_lazy("priority", "normal"),
    Priority.HIGH: pgettext_lazy("priority", "high"),
}


def priority_label(priority: int) -> str:
    """Return the word for a priority."""
    return str(PRIORITIES[Priority(priority)])


def why_it_waits(job: Job, limit: int | None) -> str:
    """Return the sentence that says what a job which is due waits for.

    :param limit: how many pipelines its repository may run, if that many do
    """
    if limit is None or job.repository is None:
        return _("waits for a worker")
    return _("waits: %(name)s runs %(limit)d of %(limit)d at a time") % {
        "name": job.repository.name,
        "limit": limit,
    }
