"""What a sweep will do, checked and counted before anything is started. Nothing is written here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from experiments import launches, sentences, sweep_points, sweep_space
from experiments.job_priority import WORDS
from experiments.launches import Target
from experiments.models import Priority, Repository, Sweep
from experiments.selectors import repository as selectors
from experiments.selectors.meanings import meanings
from experiments.sweep_points import Point
from experiments.sweep_space import Dimension, SpaceErrors

MAX_TRIALS = 200
MAX_WIDTH = 16
MAX_SEED = 2**31 - 1
_LONGEST = {"name": 100, "objective": 250}


@dataclass(frozen=True)
class Asked:
    """What a person asks for; `None` and empty texts take what is usual.

    :ivar direction: ``min`` or ``max``; empty: as declared for the metric
    :ivar space: parameter -> what it may be, see `sweep_space.read`
    :ivar count: how many runs; a grid has as many as it has sets
    """

    space: Mapping[str, object]
    method: str
    objective: str
    direction: str
    ref: str = ""
    name: str = ""
    count: int | None = None
    seed: int | None = None
    width: int = 2
    priority: str = "normal"


@dataclass(frozen=True)
class Plan:
    """What will be done.

    :ivar total: how many sets of parameters there are; None if there is no end to them
    :ivar points: the sets that are tried; empty for a guided search, which finds them on its way
    """

    asked: Asked
    target: Target
    dimensions: list[Dimension]
    total: int | None
    count: int
    seed: int
    points: list[Point]

    @property
    def priority(self) -> Priority:
        """Which of the jobs that wait its jobs are to be."""
        return WORDS[self.asked.priority]


def make(repository: Repository, asked: Asked) -> Plan:
    """Return what a sweep of `repository` would do.

    :raises ValidationError: by field: ``ref``, ``method``, ``objective``, ``direction``, ``name``, ``count``,
        ``seed``, ``width``, ``priority``, ``space`` and ``params.<dotted parameter>``
    """
    target = launches.resolve(repository, asked.ref)
    asked = replace(asked, direction=asked.direction or _declared(repository, asked.objective))
    errors = _form_errors(asked)
    dimensions: list[Dimension] = []
    try:
        dimensions = sweep_space.read(launches.parameters_of(target.commit), asked.space)
    except SpaceErrors as error:
        errors |= _told(error)
    if not errors and all(dimension.is_fixed for dimension in dimensions):
        errors["space"] = _("Give at least one parameter several values or a range.")
    if errors:
        raise ValidationError(errors)
    total = sweep_points.size(dimensions)
    count, seed = _count(asked, total), secrets.randbelow(MAX_SEED) if asked.seed is None else asked.seed
    return Plan(asked, target, dimensions, total, count, seed, _points(asked, dimensions, count, seed))


def _declared(repository: Repository, objective: str) -> str:
    """Return which values of the metric are better, as declared for its experiment or as its name says."""
    experiment = selectors.experiment_of(repository)
    pk = experiment.pk if experiment else None
    return str(meanings([pk] if pk else []).of(objective.strip(), pk).goal)


def _points(asked: Asked, dimensions: list[Dimension], count: int, seed: int) -> list[Point]:
    if asked.method == Sweep.Method.GUIDED:
        return []
    try:
        if asked.method == Sweep.Method.GRID:
            return sweep_points.grid(dimensions)
        return sweep_points.sample(dimensions, count, seed)
    except SpaceErrors as error:
        raise ValidationError(_told(error)) from None


def _count(asked: Asked, total: int | None) -> int:
    if asked.method == Sweep.Method.GRID and total is not None:
        if total > MAX_TRIALS:
            text = _("This grid has %(total)s runs; at most %(max)d are allowed. Take fewer values.")
            raise ValidationError({"space": text % {"total": f"{total:,}", "max": MAX_TRIALS}})
        return total
    if asked.method == Sweep.Method.GRID:
        return 0  # refused where its points are made, which names the parameters
    count = asked.count if asked.count is not None else min(10, total or 10)
    if total is not None and count > total:
        text = _("There are only %(total)d different runs in this space.")
        raise ValidationError({"count": text % {"total": total}})
    return count


def _form_errors(asked: Asked) -> dict[str, str]:
    errors = {}
    choices: dict[str, tuple[str, list[str]]] = {
        "method": (asked.method, Sweep.Method.values),
        "direction": (asked.direction, Sweep.Direction.values),
        "priority": (asked.priority, list(WORDS)),
    }
    for name, (value, known) in choices.items():
        if name == "direction" and not value:
            errors[name] = _("Nothing is declared for this metric: say which values are better.")
        elif value not in known:
            errors[name] = _("Choose one of: %s.") % ", ".join(known)
    numbers: dict[str, tuple[int | None, int, int]] = {
        "count": (asked.count, 1, MAX_TRIALS),
        "seed": (asked.seed, 0, MAX_SEED),
        "width": (asked.width, 1, MAX_WIDTH),
    }
    for name, (number, low, high) in numbers.items():
        if number is not None and not low <= number <= high:
            errors[name] = _("A number from %(low)d to %(high)d.") % {"low": low, "high": high}
    for name, limit in _LONGEST.items():
        text = getattr(asked, name)
        if len(text) > limit or not text.isprintable():
            errors[name] = _("One line of at most %d characters, please.") % limit
    if not asked.objective.strip():
        errors["objective"] = _("Name the metric that is to become better.")
    return errors


def _told(error: SpaceErrors) -> dict[str, Any]:
    return {
        (key if key == "count" else f"params.{key[:200]}"): sentences.translated(text)
        for key, text in error.errors.items()
    }
