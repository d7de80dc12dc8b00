"""Factory of sweeps for tests."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from experiments.models import Repository, Sweep, Trial
from tests.jobs import make_commit, make_job, make_repository


def make_sweep(
    values: tuple[float | None, ...] = (),
    *,
    user: User | None = None,
    repository: Repository | None = None,
    **changes: Any,
) -> Sweep:
    """Create a sweep of `train.epochs` whose first trials have ended with `values` (None: failed)."""
    repository = repository or make_repository()
    commit = repository.commits.first() or make_commit(repository, branch="main")
    count = max(6, len(values))
    columns = {
        "name": "How long to train",
        "ref": "main",
        "ref_kind": "branch",
        "method": "grid",
        "space": {
            "train.epochs": {"values": list(range(1, count + 1))},
            "train.learning_rate": {"values": [0.1]},
        },
        "seed": 7,
        "objective": "val_cer",
        "direction": "min",
        "count": count,
        "width": 2,
        "submitted_by": user,
        "submitted_by_name": user.username if user else "somebody",
        "created_at": timezone.now(),
    }
    sweep = Sweep.objects.create(repository=repository, commit=commit, **{**columns, **changes})
    for number in range(1, count + 1):
        params = {"train.epochs": number, "train.learning_rate": 0.1}
        trial = Trial.objects.create(sweep=sweep, number=number, params=params)
        if number <= len(values):
            _finish(trial, values[number - 1], user)
    return sweep


def _finish(trial: Trial, value: float | None, user: User | None) -> None:
    failed = value is None
    trial.job = make_job("failed" if failed else "succeeded", user=user, repository=trial.sweep.repository)
    trial.outcome, trial.value = "failed" if failed else "measured", value
    trial.save()
