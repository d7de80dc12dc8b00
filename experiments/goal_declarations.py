"""Operation: say which values of metrics are better, in which unit they are, and what counts as the same."""

import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments.metric_meaning import Declared
from experiments.models import Experiment, MetricGoal
from experiments.selectors.meanings import meanings

MAX_METRICS = 500
MAX_KEY = 250
MAX_UNIT = 30
_DIRECTIONS = ("", *MetricGoal.Direction.values)
_GENERAL = "all"


def declare(experiment: Experiment | None, declared: Mapping[str, Declared], *, user: User) -> list[str]:
    """Declare what the metrics that `declared` names mean; return the names of those that changed by it.

    One that is declared to be empty goes back to what holds without it. Declaring the same again changes
    nothing and leaves no entry.

    :param experiment: None: for all experiments that do not say otherwise
    :raises PermissionDenied: `user` may not
    :raises ValidationError: by metric
    """
    access.require(user, Permission.GOAL_DECLARE, target=_target(experiment))
    _check(declared)
    scope = experiment.pk if experiment else None
    with transaction.atomic():
        before = meanings([scope] if scope else []).declared(scope)
        changes = {key: one for key, one in declared.items() if before.get(key, Declared()) != one}
        if not changes:
            return []
        for key, one in changes.items():
            _write(experiment, key, one, by=user.username)
        told = {key: _told(one) for key, one in changes.items()}
        data = {"metrics": told}
        trail.record(Event.GOAL_DECLARED, actor=access.actor(user), target=_target(experiment), data=data)
    return sorted(changes)


def _write(experiment: Experiment | None, key: str, declared: Declared, *, by: str) -> None:
    row: dict[str, Any] = {"experiment": experiment, "key": key}
    if declared.is_empty:
        MetricGoal.objects.filter(**row).delete()
        return
    columns = {"direction": declared.direction, "unit": declared.unit, "tolerance": declared.tolerance}
    stamp = {"changed_at": timezone.now(), "changed_by": by}
    MetricGoal.objects.update_or_create(**row, defaults=columns | stamp)


def _told(declared: Declared) -> dict[str, str]:
    """Return a declaration as the trail tells it: the number as text, which reads the same everywhere."""
    return {
        "direction": declared.direction or "by name",
        "unit": declared.unit,
        "tolerance": str(declared.tolerance),
    }


def _target(experiment: Experiment | None) -> trail.Target:
    if experiment is None:
        return trail.Target("metrics", _GENERAL, _GENERAL)
    return trail.Target("experiment", experiment.experiment_id, experiment.name[:MAX_KEY] or "experiment")


def _check(declared: Mapping[str, Declared]) -> None:
    if len(declared) > MAX_METRICS:
        raise ValidationError(_("Declare at most %(number)d metrics at once.") % {"number": MAX_METRICS})
    errors = {key or "-": problem for key, one in declared.items() if (problem := _problem(key, one))}
    if errors:
        raise ValidationError(errors)


def _problem(key: str, declared: Declared) -> str:
    if not key or len(key) > MAX_KEY or "\0" in key:
        return _("This is not the name of a metric.")
    if declared.direction not in _DIRECTIONS:
        return _("Choose one of: %s.") % "min, max, unknown"
    if len(declared.unit) > MAX_UNIT or "\0" in declared.unit:
        return _("A unit has at most %(number)d characters.") % {"number": MAX_UNIT}
    if not math.isfinite(declared.tolerance) or declared.tolerance < 0:
        return _("A tolerance is a number from 0 on.")
    return ""
