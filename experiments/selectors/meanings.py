"""What the metrics of experiments mean, and the table in which people say so."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from experiments.metric_meaning import Declared, Meaning, Meanings
from experiments.models import Experiment, MetricGoal
from experiments.selectors.runs import columns_on_offer


@dataclass(frozen=True)
class MeaningRow:
    """One metric: what holds, and what was declared right here."""

    key: str
    meaning: Meaning
    declared: Declared


def meanings(experiments: Collection[int]) -> Meanings:
    """Return what was declared for `experiments` (primary keys) and for all. One query."""
    rows = MetricGoal.objects.filter(Q(experiment__in=experiments) | Q(experiment=None))
    return Meanings(
        {(row.experiment_id, row.key): Declared(row.direction, row.unit, row.tolerance) for row in rows}
    )


def table(experiment: Experiment | None) -> list[MeaningRow]:
    """Return the metrics that runs of `experiment` (None: all) have or somebody declared. Two queries."""
    found = meanings([experiment.pk] if experiment else [])
    own = found.declared(experiment.pk if experiment else None)
    offered = columns_on_offer(experiment.experiment_id if experiment else "").metrics
    keys = dict.fromkeys([*(column.key for column in offered), *sorted(own)])
    scope = experiment.pk if experiment else None
    return [MeaningRow(key, found.of(key, scope), own.get(key, Declared())) for key in keys]
