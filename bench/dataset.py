"""The runs that the benchmark makes, always the same ones: 20 parameters, 20 metrics, 5 tags each.

Fifty of them have six curves. Runs are made as they are asked for, so that any number fits into memory.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

EXPERIMENT = "benchmark"
CURVES = ("train_loss", "val_loss", "val_cer", "val_accuracy", "lr", "grad_norm")
CURVE_RUNS = 50
CURVE_POINTS = 2_000
METRICS = (*CURVES, *(f"score_{number:02}" for number in range(14)))
PARAMS = ("optimizer", "learning_rate", "batch_size", *(f"setting_{number:02}" for number in range(17)))
SECONDS_BETWEEN_RUNS = 60
# A fixed time, so that two benchmarks make the same runs.
_FIRST_START = 1_750_000_000_000
_STATUSES = ("FINISHED",) * 18 + ("FAILED", "KILLED")


@dataclass(frozen=True)
class BenchRun:
    """One run.

    :ivar start: milliseconds since the epoch
    :ivar metrics: the last value of each
    """

    run_id: str
    name: str
    status: str
    start: int
    end: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]

    def curve(self, key: str) -> Iterator[tuple[int, int, float]]:
        """Yield step, time and value of each point of a curve; it ends in the run's value of the metric."""
        chance = random.Random(f"{self.run_id} {key}")  # noqa: S311
        for step in range(1, CURVE_POINTS):
            noise = chance.gauss(0.0, 0.01)
            yield step, self.start + 25 * step, math.exp(-step / 400) + noise
        yield CURVE_POINTS, self.start + 25 * CURVE_POINTS, self.metrics[key]


def bench_run(number: int) -> BenchRun:
    """Return run `number`, counted from 0; a later one started later."""
    chance = random.Random(number)  # noqa: S311
    start = _FIRST_START + number * SECONDS_BETWEEN_RUNS * 1000
    user = chance.choice(("anna", "bora", "chan", "dana"))
    settings = {f"setting_{one:02}": str(chance.randrange(10)) for one in range(17)}
    return BenchRun(
        run_id=hashlib.sha256(f"benchmark {number}".encode()).hexdigest()[:32],
        name=f"run-{number:06}",
        status=chance.choice(_STATUSES),
        start=start,
        end=start + chance.randrange(51_000, 3_600_000),
        params={
            "optimizer": chance.choice(("AdamW", "Adam", "SGD")),
            "learning_rate": repr(round(10 ** chance.uniform(-5, -1), 6)),
            "batch_size": str(2 ** chance.randrange(3, 9)),
            **settings,
        },
        metrics={key: chance.random() for key in METRICS},
        tags={
            "mlflow.runName": f"run-{number:06}",
            "mlflow.user": user,
            "team": chance.choice(("vision", "speech", "text")),
            "dataset": f"receipts-{chance.randrange(20)}",
            "note": f"{chance.getrandbits(64):016x}",
        },
    )


def has_curves(number: int, size: int) -> bool:
    """Return whether run `number` of the first `size` is one of the fifty with curves."""
    stride = max(size // CURVE_RUNS, 1)
    return number % stride == 0 and number // stride < CURVE_RUNS
