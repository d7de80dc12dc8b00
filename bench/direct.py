"""`python -m bench.direct`: writes the runs of the benchmark through the mirror's writer, without REST.

For a large size when there is no time for an import; the table says so.
"""

import json
import sys
import time

import django

from bench.dataset import CURVE_POINTS, CURVES, EXPERIMENT, BenchRun, bench_run, has_curves

_BATCH = 1_000


def main() -> None:
    """Write as many runs as the first argument says into the experiment of the second."""
    django.setup()
    from django.utils import timezone

    from experiments.mirror_rows import write_experiments, write_runs
    from experiments.models import MetricSeries, Run
    from experiments.series import Series
    from integrations.mlflow_records import ExperimentRecord, MetricPoint, RunRecord

    size, experiment = int(sys.argv[1]), sys.argv[2]
    write_experiments([ExperimentRecord(experiment, EXPERIMENT, "", "active", 1, 1)])

    def record(run: BenchRun, curves: bool) -> RunRecord:
        step = {key: CURVE_POINTS if curves and key in CURVES else 0 for key in run.metrics}
        points = [
            MetricPoint(key, value, run.start + 25 * step[key], step[key])
            for key, value in run.metrics.items()
        ]
        said = (run.run_id, experiment, run.name, run.status, run.start, run.end, run.tags["mlflow.user"])
        uri = f"mlflow-artifacts:/{experiment}/{run.run_id}/artifacts"
        return RunRecord(*said, uri, "active", run.params, tuple(points), run.tags)

    began = time.monotonic()
    for start in range(0, size, _BATCH):
        numbers = range(start, min(start + _BATCH, size))
        made = [(bench_run(number), has_curves(number, size)) for number in numbers]
        write_runs([record(run, curves) for run, curves in made], now=timezone.now())
        for run, curves in made:
            for key in CURVES if curves else ():
                steps, times, values = zip(*run.curve(key), strict=True)
                series = Series.of(steps, times, values)
                row = Run.objects.get(run_id=run.run_id)
                MetricSeries.objects.create(run=row, key=key, packed=series.pack(), length=len(series))
    Run.objects.update(series_digest="written directly")
    json.dump({"runs": size, "seconds": time.monotonic() - began, "direct": True}, sys.stdout)


if __name__ == "__main__":
    main()
