"""`python -m bench.steady`: passes of the mirror when nothing is new; prints what one costs."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django

_PASSES = 10


def main() -> None:
    """Do some passes and count queries and requests."""
    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from experiments import sync
    from integrations.mlflow_http import MLflowHTTP

    requests = _counted(MLflowHTTP)
    seconds, queries = [], []
    sync.synchronise()
    requests.clear()
    for _ in range(_PASSES):
        began = time.monotonic()
        with CaptureQueriesContext(connection) as captured:
            sync.synchronise()
        seconds.append(time.monotonic() - began)
        queries.append(len(captured))
    json.dump(
        {
            "seconds": seconds,
            "queries": statistics.median(queries),
            "requests": len(requests) / _PASSES,
            "own_seconds": statistics.median(seconds) - sum(requests) / _PASSES,
        },
        sys.stdout,
    )


def _counted(http: Any) -> list[float]:
    """Have every call of `http` note its seconds in the list returned."""
    spent: list[float] = []
    call: Callable[..., Any] = http.call

    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.monotonic()
        try:
            return call(*arguments, **options)
        finally:
            spent.append(time.monotonic() - began)

    http.call = timed
    return spent


if __name__ == "__main__":
    main()
