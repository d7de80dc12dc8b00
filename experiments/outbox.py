"""Which jobs are to be announced to the workers: new ones, and those whose message got lost."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from experiments import job_queue
from experiments.job_messages import Broker
from experiments.job_states import JobState
from experiments.models import Job, Outbox

_AT_ONCE = 100
_KEPT = timedelta(hours=1)


def publish(broker: Broker) -> int:
    """Announce what is due; return how many announcements went out.

    A row is marked first and unmarked if sending fails: two dispatchers do not send it twice, and one that is
    killed in between has only delayed it, until `announce_again`.
    """
    due = Outbox.objects.filter(published_at=None, due_at__lte=Now()).select_related("job").order_by("due_at")
    return sum(_publish(row, broker) for row in due[:_AT_ONCE])


def _publish(row: Outbox, broker: Broker) -> bool:
    mine = Outbox.objects.filter(pk=row.pk, published_at=None).update(published_at=Now())
    if not mine or row.job.state != JobState.QUEUED:
        return False
    try:
        broker.announce(row.job_id, row.job.queue)
    except BaseException:
        Outbox.objects.filter(pk=row.pk).update(published_at=None)
        raise
    return True


def announce_again(broker: Broker, *, after: float | None = None) -> int:
    """Announce jobs that still wait although their message must be gone; return how many.

    A message is gone if fewer wait in the broker than jobs wait for it; that it is only queued behind others
    is no reason to send it twice. Whom it is about cannot be seen, so those announced longest ago come first.

    :param after: seconds since the last announcement; `settings.JOB_REANNOUNCE` if left out
    """
    seconds = settings.JOB_REANNOUNCE if after is None else after
    counts = _announced().values("queue").annotate(jobs=Count("pk")).order_by("queue")
    sent = 0
    for queue, jobs in counts.values_list("queue", "jobs"):
        missing = jobs - broker.waiting(queue)
        if missing > 0:
            sent += _announce_again(broker, queue, min(missing, _AT_ONCE), seconds)
    return sent


def _announce_again(broker: Broker, queue: str, count: int, seconds: float) -> int:
    stale = (
        _announced()
        .filter(queue=queue)
        .annotate(announced_at=Max("announcements__published_at"))
        .filter(Q(announced_at=None) | Q(announced_at__lt=Now() - timedelta(seconds=seconds)))
        .order_by("announced_at", "pk")
    )
    jobs = list(stale[:count])
    for job in jobs:
        Outbox.objects.filter(job=job).update(published_at=Now())
        broker.announce(job.pk, queue)
    return len(jobs)


def _announced() -> QuerySet[Job]:
    """Return the jobs that could run now and of which the workers have been told."""
    untold = Outbox.objects.filter(job=OuterRef("pk"), published_at=None)
    return job_queue.ready().filter(~Exists(untold))


def prune() -> int:
    """Delete announcements that have served their purpose; return how many."""
    old = Outbox.objects.filter(published_at__lt=Now() - _KEPT).exclude(job__state=JobState.QUEUED)
    return old.delete()[0]
