"""Histories of metrics, as many as are needed at once."""

from __future__ import annotations

from collections.abc import Collection

from experiments.models import MetricSeries
from experiments.series import Series


def read(runs: Collection[int], keys: Collection[str]) -> dict[tuple[int, str], Series]:
    """Return the histories of the metrics `keys` of the runs with these primary keys; at most one query.

    What has no history is left out.
    """
    if not runs or not keys:
        return {}
    rows = MetricSeries.objects.filter(run__in=runs, key__in=keys).values_list("run_id", "key", "packed")
    return {(run, key): Series.unpack(packed) for run, key, packed in rows.iterator(chunk_size=200)}
