"""Repairs drift without asking, where the policy says so."""

from datetime import timedelta

from django.utils import timezone

from audit import trail
from experiments.models import Job
from registry import mirror, policies
from registry.drift_rules import REPAIRABLE, Aspect, Difference
from registry.models import Drift, RegisteredModel
from registry.stages import Stage

#: Somebody who changes MLflow again and again is not fought; after this many an hour a person has to look.
PER_HOUR = 5


def request(model: RegisteredModel) -> Job | None:
    """Queue the repair of the open drift of `model` that its policies have repaired without asking.

    Runs in the caller's transaction, which has locked the model.
    """
    rows = Drift.objects.filter(model=model, state=Drift.State.OPEN, kind__in=REPAIRABLE)
    wanted = [drift.pk for drift in rows if _is_automatic(model, drift)]
    if not wanted or _recent(model) >= PER_HOUR:
        return None
    return mirror.again(model, user=None, drifts=wanted)


def _is_automatic(model: RegisteredModel, drift: Drift) -> bool:
    about = Difference(Aspect(drift.kind), drift.mlflow_version, drift.expected, drift.found).stages
    return all(
        policies.rules_of(policies.current(model, stage), Stage(stage)).repair_drift for stage in about
    )


def _recent(model: RegisteredModel) -> int:
    jobs = Job.objects.filter(kind="apply", submitted_by=None, submitted_by_name=trail.SYSTEM.name)
    since = timezone.now() - timedelta(hours=1)
    rows = jobs.filter(created_at__gte=since, payload__model=model.name).values_list("payload", flat=True)
    return sum(1 for payload in rows if payload.get("drifts"))
