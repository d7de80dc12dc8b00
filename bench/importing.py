"""`python -m bench.importing`: mirrors everything that MLflow has, and prints how fast it went."""

import json
import resource
import sys
import time

import django


def main() -> None:
    """Take over the server of `MLFLOW_TRACKING_URI`: first all runs, then all histories."""
    django.setup()
    from experiments import sync
    from experiments.models import Run, SyncState

    began, faults = time.monotonic(), 0
    while not SyncState.objects.filter(reconciled_at__isnull=False).exists():
        faults += bool(sync.synchronise().error)
    runs_seconds = time.monotonic() - began
    while Run.objects.filter(series_digest="").exists():
        faults += bool(sync.synchronise().error)
    json.dump(
        {
            "runs": Run.objects.count(),
            "seconds": runs_seconds,
            "histories_seconds": time.monotonic() - began - runs_seconds,
            "faults": faults,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
