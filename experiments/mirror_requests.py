"""Operation: have everything that MLflow holds mirrored now."""

from accounts.models import User
from experiments import jobs
from experiments.job_states import JobState
from experiments.models import Job

KIND = "sync"


def request_sync(*, user: User) -> Job:
    """Submit a full reconciliation of the mirror; one that waits already is returned as it is.

    :raises PermissionDenied: `user` may not start jobs
    """
    waiting = Job.objects.filter(kind=KIND, state=JobState.QUEUED).first()
    return waiting or jobs.submit(KIND, {}, user=user)
