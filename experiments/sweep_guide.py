"""The guided search: what a sweep tries next, learnt from what it has measured. Runs in a worker only.

Optuna's tree-structured Parzen estimator (Bergstra et al., 2011; Watanabe, 2023, arXiv:2304.11127), asked and
told. The study lives for one question: it is built from our own rows each time, so there is no second place
where the state of a sweep is kept, and a killed worker loses nothing. Trials that go on are told as running,
and count as bad for now, so that several at a time are not all the same; failed ones are told as failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from experiments import sweep_points, sweep_progress
from experiments.models import Sweep, Trial
from experiments.sweep_points import Point
from experiments.sweep_space import Dimension, SpaceErrors, load

if TYPE_CHECKING:
    import optuna

# Sets that are drawn at random before the search begins to learn, at most and of all.
_STARTUP, _SHARE = 10, 3
_TRIES = 20


def suggest(sweep: Sweep) -> int:
    """Add the trials that may begin now to a guided sweep; return how many. `advance` submits their jobs.

    If nothing new is left to try, the sweep gets along with what there is: its count becomes smaller.
    """
    known = list(sweep.trials.order_by("number"))
    waiting = sum(trial.job_id is None and not trial.outcome for trial in known)
    wanted = min(sweep_progress.free(sweep) - waiting, sweep.count - len(known))
    made = 0
    for _ in range(max(0, wanted)):
        point = _next(sweep, known)
        with transaction.atomic():
            row = sweep_progress.lock(sweep.pk)
            if row is None or row.state != Sweep.State.RUNNING or row.trials.count() != len(known):
                return made  # somebody else was at it
            if point is None:
                Sweep.objects.filter(pk=row.pk).update(count=len(known))
                return made
            known.append(Trial.objects.create(sweep=row, number=len(known) + 1, params=point))
            made += 1
    return made


def _next(sweep: Sweep, known: Sequence[Trial]) -> Point | None:
    """Return a set that was not tried yet; None if there is none."""
    dimensions = load(sweep.space)
    tried = {sweep_points.identity(trial.params) for trial in known}
    total = sweep_points.size(dimensions)
    if total is not None and len(tried) >= total:
        return None
    for attempt in range(_TRIES):
        point = _ask(sweep, dimensions, known, attempt)
        if sweep_points.identity(point) not in tried:
            return point
    # It insists on what it knows; anything new teaches more.
    seed = sweep.seed + len(known) + 1
    try:
        fresh = sweep_points.sample(dimensions, len(tried) + 1, seed)
    except SpaceErrors:
        return None
    return next(point for point in fresh if sweep_points.identity(point) not in tried)


def _ask(sweep: Sweep, dimensions: list[Dimension], known: Sequence[Trial], attempt: int) -> Point:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A seed of its own for each question makes the search repeatable although no state is kept.
    sampler = optuna.samplers.TPESampler(
        seed=(sweep.seed + 1_000_003 * (len(known) + 1) + 7919 * attempt) % 2**32,
        n_startup_trials=min(_STARTUP, max(2, sweep.count // _SHARE)),
        multivariate=True,
        constant_liar=True,
    )
    directions = optuna.study.StudyDirection
    smaller = sweep.direction == Sweep.Direction.MIN
    direction = directions.MINIMIZE if smaller else directions.MAXIMIZE
    study = optuna.create_study(direction=direction, sampler=sampler)
    space = {one.key: _distribution(one) for one in dimensions if not one.is_fixed}
    for trial in known:
        study.add_trial(_told(trial, dimensions, space))
    asked = study.ask(space)
    return {one.key: _value(one, asked.params.get(one.key)) for one in dimensions}


def _distribution(one: Dimension) -> optuna.distributions.BaseDistribution:
    import optuna

    if one.values:  # by their place: lists and truth values are no choices of Optuna's
        if _is_ordered(one):
            return optuna.distributions.IntDistribution(0, len(one.values) - 1)
        return optuna.distributions.CategoricalDistribution(range(len(one.values)))
    if one.whole:
        return optuna.distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log)


def _is_ordered(one: Dimension) -> bool:
    """Whether neighbouring values are alike: numbers that rise."""
    numbers = [
        value for value in one.values if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return len(numbers) == len(one.values) > 2 and numbers == sorted(numbers)


def _told(trial: Trial, dimensions: list[Dimension], space: dict[str, Any]) -> optuna.trial.FrozenTrial:
    import optuna

    states = optuna.trial.TrialState
    state = states.FAIL if trial.outcome else states.RUNNING
    if trial.outcome == Trial.Outcome.MEASURED:
        state = states.COMPLETE
    params = {one.key: _place(one, trial.params[one.key]) for one in dimensions if one.key in space}
    value = trial.value if state == states.COMPLETE else None
    return optuna.trial.create_trial(state=state, params=params, distributions=space, value=value)


def _place(one: Dimension, value: Any) -> Any:
    return [repr(known) for known in one.values].index(repr(value)) if one.values else value


def _value(one: Dimension, drawn: Any) -> Any:
    if one.is_fixed and one.values:
        return one.values[0]
    return one.values[drawn] if one.values else sweep_points.drawn_number(one, drawn)
