"""Rules: the columns of the table of runs, as addresses name them. No database, no Django."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["metrics", "params", "tags"]
KINDS: tuple[Kind, ...] = ("metrics", "params", "tags")

MAX_CHOSEN = 40
MAX_OFFERED = 200
_DEFAULT_METRICS = 4
_DEFAULT_PARAMS = 4
_MAX_KEY = 250
#: Metrics that say most about a model, the first ones first; others follow by how often they occur.
TELLING = (
    "val_cer",
    "val_accuracy",
    "val_loss",
    "val_wer",
    "accuracy",
    "loss",
    "val_f1",
    "f1",
    "auc",
    "rmse",
)


@dataclass(frozen=True, order=True)
class Column:
    """One metric, parameter or tag.

    :ivar kind: where it stands in a run: ``metrics``, ``params`` or ``tags``
    """

    kind: Kind
    key: str

    @property
    def name(self) -> str:
        """What `?columns=` and `?sort=` call it."""
        return f"{self.kind}.{self.key}"

    @property
    def is_metric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind == "metrics"


@dataclass(frozen=True)
class Offer:
    """What can be chosen among some runs, and what is shown where nothing was chosen."""

    metrics: tuple[Column, ...]
    params: tuple[Column, ...]
    default: tuple[Column, ...]
    tags: tuple[Column, ...] = ()


def parse(name: str) -> Column | None:
    """Return the column called `name`, or None if it is no such name."""
    kind, dot, key = name.partition(".")
    if not dot or not key or len(key) > _MAX_KEY or "\0" in key:
        return None
    known = next((one for one in KINDS if one == kind), None)
    return Column(known, key) if known else None


def chosen(names: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns that an address names, in its order, without what is none.

    :param names: values of `?columns=`; each may hold several, separated by commas
    """
    found = [parse(part.strip()) for name in names for part in name.split(",")]
    return tuple(dict.fromkeys(column for column in found if column))[:MAX_CHOSEN]


def moved(columns: Sequence[Column], move: str) -> tuple[Column, ...]:
    """Return `columns` with one of them a place further on.

    :param move: ``left.`` or ``right.`` and its name; anything else moves nothing
    """
    direction, _, name = move.partition(".")
    column, step = parse(name), {"left": -1, "right": 1}.get(direction, 0)
    order = list(columns)
    if column in order and step:
        place = order.index(column)
        order.insert(max(place + step, 0), order.pop(place))
    return tuple(order)


def offer(runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], tags: Iterable[str] = ()) -> Offer:
    """Return the columns of some runs.

    :param runs: metrics and parameters of each
    :param tags: keys of their tags
    """
    metrics: Counter[str] = Counter()
    params: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for run_metrics, run_params in runs:
        metrics.update(run_metrics.keys())
        params.update(run_params.keys())
        for key, value in run_params.items():
            values.setdefault(key, set()).add(str(value))
    by_use = sorted(metrics, key=lambda key: (_rank(key), -metrics[key], key))
    # A parameter that is missing from some runs differs, too.
    differing = [key for key in params if len(values[key]) > 1 or params[key] < len(runs)]
    differing.sort(key=lambda key: (-params[key], -len(values[key]), key))
    return Offer(
        metrics=_columns("metrics", by_use[:MAX_OFFERED]),
        params=_columns("params", sorted(params)[:MAX_OFFERED]),
        default=(
            *_columns("metrics", by_use[:_DEFAULT_METRICS]),
            *_columns("params", differing[:_DEFAULT_PARAMS]),
        ),
        tags=_columns("tags", sorted(tags)[:MAX_OFFERED]),
    )


def number_of(value: object) -> float | int | None:
    """Return a mirrored metric as a number; NaN and infinity are kept by their names."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(str(value))


def _rank(key: str) -> int:
    return TELLING.index(key) if key in TELLING else len(TELLING)


def _columns(kind: Kind, keys: Iterable[str]) -> tuple[Column, ...]:
    return tuple(Column(kind, key) for key in keys)
