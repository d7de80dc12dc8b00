"""The fencing token of a claimed job, and the mark that its processes carry."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from experiments.job_states import JobState
from experiments.models import Job


@dataclass(frozen=True)
class Fence:
    """One attempt at one job; what it writes counts only while the row says the same."""

    job_id: int
    attempt: int

    def rows(self) -> QuerySet[Job]:
        """Return the job as a queryset: empty once another attempt, or nobody, holds it."""
        return Job.objects.filter(pk=self.job_id, attempt=self.attempt, state=JobState.RUNNING)

    def lock(self) -> Job | None:
        """Return the job, locked until the transaction ends, or None if it is no longer this attempt's."""
        return self.rows().select_for_update().first()

    @property
    def marker(self) -> str:
        """What `integrations.process_group` finds the processes of this attempt by."""
        return f"{installation()}:{self.job_id}:{self.attempt}"


def installation() -> str:
    """Return what tells the processes of this installation from another's on the same host."""
    database = connection.settings_dict
    place = f"{database['ENGINE']} {database['HOST']} {database['PORT']} {database['NAME']}"
    # Keyed, because the mark is visible to the programs that a job runs.
    return salted_hmac("experiments.job_fence", place).hexdigest()[:12]
