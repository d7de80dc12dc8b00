"""One job at a time writes a model's versions, stages and aliases to MLflow.

MLflow has no transactions: two writers whose calls interleave can leave the alias of one and the stage of the
other. A lease names the attempt of the job that writes. It holds as long as that attempt is the one that
runs, so the engine's own heartbeat and reaper end the lease of a worker that was killed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext as _

from experiments.job_context import JobContext
from experiments.job_fence import Fence
from integrations.errors import IntegrationError
from registry.models import MirrorLease, RegisteredModel

WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.2


@contextmanager
def held(model: RegisteredModel, context: JobContext) -> Iterator[None]:
    """Hold the lease of `model` for the attempt of `context`, waiting for it if somebody else has it.

    :raises IntegrationError: temporary: it was not free within `WAIT_SECONDS`
    :raises experiments.job_context.Stopped: the job should stop while it waits
    """
    fence = Fence(context.job_id, context.attempt)
    deadline = time.monotonic() + WAIT_SECONDS
    while not _take(model, fence):
        if time.monotonic() > deadline:
            text = _("Another job is writing %(model)s to MLflow; this one follows.") % {"model": model.name}
            raise IntegrationError(text, permanent=False)
        context.message(_("Waits for another job that writes %(model)s to MLflow") % {"model": model.name})
        context.check()
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        MirrorLease.objects.filter(model=model, job=fence.job_id, attempt=fence.attempt).delete()


def _take(model: RegisteredModel, fence: Fence) -> bool:
    with transaction.atomic():
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        lease = MirrorLease.objects.filter(model=model).first()
        if lease is not None:
            holder = Fence(lease.job, lease.attempt)
            if holder != fence and holder.rows().exists():
                return False
        MirrorLease.objects.update_or_create(
            model=model, defaults={"job": fence.job_id, "attempt": fence.attempt}
        )
    return True
