"""The list of experiments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q

from experiments.metric_goals import Goal
from experiments.models import Experiment, RunMetric
from experiments.run_columns import TELLING
from experiments.selectors import meanings
from experiments.selectors.run_matches import ACTIVE


@dataclass(frozen=True)
class Best:
    """The best value of a metric among the finished runs of an experiment.

    :ivar smaller: whether smaller values are better
    """

    key: str
    value: float
    smaller: bool


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment of the list.

    :ivar live: how many of its runs go on
    :ivar best: by the metric that says most, if its runs have one whose direction is known
    """

    experiment: Experiment
    runs: int
    live: int
    last_run: datetime | None
    best: Best | None


def rows(search: str = "") -> list[ExperimentRow]:
    """Return the experiments whose name contains `search`, the last used first. Three queries."""
    there = Q(runs__lifecycle_stage=ACTIVE)
    found = (
        Experiment.objects.filter(lifecycle_stage=ACTIVE, name__icontains=search)
        .annotate(
            run_count=Count("runs", filter=there),
            live_count=Count("runs", filter=there & Q(runs__status="RUNNING")),
            last_run=Max("runs__started_at", filter=there),
        )
        .order_by("name")
    )
    experiments = list(found)
    best = _best(experiments)
    made = [
        ExperimentRow(one, one.run_count, one.live_count, one.last_run, best.get(one.pk))
        for one in experiments
    ]
    used = sorted((row for row in made if row.last_run), key=lambda row: row.last_run or 0, reverse=True)
    return [*used, *(row for row in made if not row.last_run)]


def _best(experiments: Collection[Experiment]) -> dict[int, Best]:
    """Return the best value of the most telling metric with a direction of each experiment. Two queries."""
    known = meanings.meanings([one.pk for one in experiments])
    extremes = (
        RunMetric.objects.filter(
            key__in=TELLING,
            value__isnull=False,
            run__lifecycle_stage=ACTIVE,
            run__status="FINISHED",
            run__experiment__in=list(experiments),
        )
        .values("run__experiment", "key")
        .annotate(low=Min("value"), high=Max("value"))
    )
    found: dict[int, Best] = {}
    for row in sorted(extremes, key=lambda row: TELLING.index(row["key"])):
        experiment, key = int(row["run__experiment"]), row["key"]
        direction = known.of(key, experiment).goal
        if direction is not Goal.UNKNOWN:
            smaller = direction is Goal.MIN
            found.setdefault(experiment, Best(key, row["low"] if smaller else row["high"], smaller))
    return found
