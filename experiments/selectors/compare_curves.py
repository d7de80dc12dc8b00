"""The histories of compared runs."""

from collections.abc import Collection, Sequence

from django.db.models import Sum

from experiments import run_colours
from experiments.charts import groups
from experiments.compare_figures import RunCurves
from experiments.compare_request import CompareRequest
from experiments.models import MetricSeries, Run
from experiments.selectors import series


def lengths(runs: Collection[int]) -> dict[str, int]:
    """Return how many points there are of each metric with a curve, the telling ones first. One query.

    :param runs: primary keys
    """
    rows = MetricSeries.objects.filter(run__in=runs, length__gt=1).order_by().values_list("key")
    found = dict(rows.annotate(points=Sum("length")))
    return {key: found[key] for group in groups(found) for key in group.keys}


def read(asked: CompareRequest, keys: Sequence[str]) -> list[RunCurves]:
    """Return the runs that `asked` names with their histories of `keys`, in their order. Two queries.

    The baseline is the one that `asked` names, and no other.
    """
    named = Run.objects.filter(run_id__in=asked.runs).only("run_id", "name")
    by_id = {run.run_id: run for run in named}
    found = series.read([run.pk for run in by_id.values()], keys)
    colour = run_colours.colours(by_id)
    return [
        RunCurves(
            mark=str(run.pk),
            name=str(run),
            colour=colour[run.run_id],
            is_baseline=run.run_id == asked.baseline,
            series={key: found[run.pk, key] for key in keys if (run.pk, key) in found},
        )
        for run in (by_id[name] for name in asked.runs if name in by_id)
    ]
