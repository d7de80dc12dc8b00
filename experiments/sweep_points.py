"""Rules: the sets of parameters of a sweep: all of a grid, or some at random. No database, no Django."""

import itertools
import math
import random
from collections.abc import Sequence

from experiments.parameter_values import Value
from experiments.sweep_space import Dimension, SpaceErrors

#: Significant digits of a number that was drawn: enough to differ, few enough to read.
_DIGITS = 6
_TRIES = 500

Point = dict[str, Value]


def size(dimensions: Sequence[Dimension]) -> int | None:
    """Return how many sets there are; None if there is no end to them."""
    sizes = [dimension.size for dimension in dimensions]
    return None if None in sizes else math.prod(one for one in sizes if one is not None)


def grid(dimensions: Sequence[Dimension]) -> list[Point]:
    """Return every set, the last parameter changing fastest; `size` tells before how many.

    :raises SpaceErrors: a range has no step
    """
    errors = {
        one.key: "needs a step: a grid tries every value"
        for one in dimensions
        if one.size is None or (one.log and not one.values)
    }
    if errors:
        raise SpaceErrors(errors)
    columns = [one.values or tuple(range(int(one.low), int(one.high) + 1)) for one in dimensions]
    keys = [one.key for one in dimensions]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*columns)]


def sample(dimensions: Sequence[Dimension], count: int, seed: int) -> list[Point]:
    """Return `count` different sets, the same ones for the same seed.

    :raises SpaceErrors: there are not so many
    """
    # Only `random()` is promised to give the same numbers in every version of Python.
    draw = random.Random(seed).random  # noqa: S311 - nothing secret
    found: dict[str, Point] = {}
    for _attempt in range(count * _TRIES):
        point = {one.key: _drawn(one, draw()) for one in dimensions}
        found.setdefault(identity(point), point)
        if len(found) == count:
            return list(found.values())
    raise SpaceErrors({"count": f"is too large: there are only {len(found)} different runs"})


def identity(point: Point) -> str:
    """Return a text that differs where two sets do (1, 1.0 and true differ)."""
    return repr(sorted(point.items()))


def drawn_number(dimension: Dimension, number: float) -> Value:
    """Return a number that was drawn as its parameter takes it: whole or with few digits, in the range."""
    if dimension.whole:
        return min(max(round(number), int(dimension.low)), int(dimension.high))
    return min(max(float(f"{number:.{_DIGITS}g}"), float(dimension.low)), float(dimension.high))


def _drawn(dimension: Dimension, chance: float) -> Value:
    """Return a value for `chance`, which is at least 0 and less than 1."""
    if dimension.values:
        return dimension.values[int(chance * len(dimension.values))]
    low, high = dimension.low, dimension.high
    if dimension.log:
        return drawn_number(dimension, math.exp(math.log(low) + chance * (math.log(high) - math.log(low))))
    if dimension.whole:
        return int(low) + int(chance * (int(high) - int(low) + 1))
    return drawn_number(dimension, low + chance * (high - low))
