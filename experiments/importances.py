"""Operation: have the importance of parameters for a metric computed. The result of the job is the answer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from experiments import jobs
from experiments.compare_request import MAX_RUNS
from experiments.importance_task import FEWEST_RUNS, task
from experiments.models import Job, Run

KIND = "importance"
METHOD = "fANOVA (Optuna)"
Scope = Literal["runs", "experiments"]
SCOPES: tuple[Scope, ...] = ("runs", "experiments")
#: Of an experiment the newest so many finished runs count.
MAX_OF_EXPERIMENT = 1_000
_MAX_KEY = 250
_VERSION = 1


@dataclass(frozen=True)
class Question:
    """What is asked.

    :ivar runs: ids of runs
    :ivar scope: whether these runs count, or all finished ones of their experiments
    """

    runs: tuple[str, ...]
    metric: str
    scope: Scope = "runs"

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> "Question":
        """Return the question that a job was submitted with."""
        return cls(tuple(payload["runs"]), payload["metric"], payload["scope"])


def question(runs: Sequence[str], metric: str, scope: str) -> Question:
    """Return a question of what an address or a body says; a scope that there is not is ``runs``."""
    known = next((one for one in SCOPES if one == scope), SCOPES[0])
    return Question(tuple(sorted(set(runs)))[:MAX_RUNS], metric[:_MAX_KEY].replace("\0", ""), known)


def runs_of(asked: Question) -> list[Run]:
    """Return the runs that count. One query."""
    named = Run.objects.filter(run_id__in=asked.runs)
    if asked.scope == "runs":
        return list(named.order_by("run_id"))
    beside = Run.objects.filter(
        experiment__in=named.order_by().values("experiment"), status="FINISHED", lifecycle_stage="active"
    )
    return list(beside.order_by("-started_at", "-pk")[:MAX_OF_EXPERIMENT])


def key(asked: Question, runs: Sequence[Run]) -> str:
    """Return what names the answer: the same runs, unchanged, and metric have one; others another."""
    facts = sorted(f"{run.run_id}:{run.digest}" for run in runs)
    digest = hashlib.sha256("\n".join([str(_VERSION), METHOD, asked.metric, *facts]).encode()).hexdigest()
    return f"{KIND}:{digest}"


def ask(asked: Question, *, user: User) -> Job:
    """Submit the job that computes it, or return the one that does or did.

    :raises PermissionDenied: `user` may not start jobs
    :raises ValidationError: by field
    """
    runs = runs_of(asked)
    if not runs:
        raise ValidationError({"runs": _("None of these runs is known.")})
    if not task([(run.metrics, run.params) for run in runs], asked.metric).is_possible:
        sentence = _("It takes at least %(fewest)d runs with different values and a parameter that differs.")
        raise ValidationError({"metric": sentence % {"fewest": FEWEST_RUNS}})
    payload = {"runs": list(asked.runs), "metric": asked.metric, "scope": asked.scope}
    return jobs.submit(KIND, payload, user=user, key=key(asked, runs))
