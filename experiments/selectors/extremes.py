"""The smallest, largest or best values in the histories of metrics."""

from collections.abc import Collection, Mapping

from experiments.compare_cells import Extreme
from experiments.models import MetricSeries
from experiments.series import Series


def extremes(runs: Collection[int], largest: Mapping[str, bool]) -> dict[tuple[int, str], Extreme]:
    """Return the extreme of each history, with the first step that has it; one query, one history at a time.

    :param runs: primary keys
    :param largest: metric -> whether its largest value is wanted, or its smallest
    :return: (run, metric) -> extreme; what has no finite value is left out
    """
    if not runs or not largest:
        return {}
    rows = MetricSeries.objects.filter(run__in=runs, key__in=list(largest))
    found = {}
    for run, key, packed in rows.values_list("run_id", "key", "packed").iterator(chunk_size=100):
        extreme = _extreme(Series.unpack(packed), largest[key])
        if extreme:
            found[run, key] = extreme
    return found


def _extreme(series: Series, largest: bool) -> Extreme | None:
    import numpy as np

    finite = np.isfinite(series.value)
    if not finite.any():
        return None
    value = np.where(finite, series.value, -np.inf if largest else np.inf)
    at = int(value.argmax() if largest else value.argmin())
    return Extreme(float(value[at]), int(series.step[at]))
