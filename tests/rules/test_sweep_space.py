"""What the parameters of a sweep may be, how many sets there are, and which they are."""

from typing import Any

import pytest

from experiments import sentences, sweep_points, sweep_space
from experiments.parameters import read_parameters
from experiments.sweep_space import Dimension, SpaceErrors

PARAMETERS = read_parameters(
    "train:\n  rate: 0.5\n  epochs: 2\n  optimizer: AdamW\n  deep: true\n  channels: [1, 2]\n"
    "  odd: 'a b; c'\n  day: 2024-01-01\n"
)


def of(key: str, raw: object) -> Dimension:
    [found] = sweep_space.read(PARAMETERS, {f"train.{key}": raw})
    return found


@pytest.mark.parametrize(
    ("key", "raw", "values"),
    [
        ("rate", "0.1, 1e-3, 0.1", (0.1, 0.001)),
        ("rate", "0.1..0.3 step 0.1", (0.1, 0.2, 0.3)),
        ("rate", "1e-4..1e-1 log step 10", (0.0001, 0.001, 0.01, 0.1)),
        ("rate", {"low": 1, "high": 2, "step": 0.5}, (1.0, 1.5, 2.0)),
        ("epochs", "1..9 step 4", (1, 5, 9)),
        ("epochs", "8..64 log step 2", (8, 16, 32, 64)),
        ("epochs", "8..64 step 2 log", (8, 16, 32, 64)),
        ("epochs", {"values": [1, 2, 1]}, (1, 2)),
        ("optimizer", "SGD, AdamW", ("SGD", "AdamW")),
        ("deep", "true, false", (True, False)),
        ("channels", "[1, 2]\n[3]", ([1, 2], [3])),
        ("channels", {"value": [4]}, ([4],)),
        ("odd", "a b; c", ("a b; c",)),
    ],
)
def test_values_and_ranges_with_a_step_are_lists(key: str, raw: object, values: tuple[Any, ...]) -> None:
    found = of(key, raw).values
    assert repr(found) == repr(values)


def test_a_range_without_a_step_keeps_its_ends() -> None:
    assert of("rate", "1e-4..1e-1 log") == Dimension("train.rate", low=1e-4, high=0.1, log=True)
    assert of("epochs", "1..9") == Dimension("train.epochs", low=1, high=9, whole=True)


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("rate", "fast"),
        ("rate", "1..1"),
        ("rate", "2..1"),
        ("rate", "0..1 log"),
        ("rate", "1..2 step 0"),
        ("rate", "1..2 step -1"),
        ("rate", "1..2 log step 1"),
        ("rate", "0..1 step 1e-9"),
        ("rate", "1..inf"),
        ("rate", {"low": 1, "high": 2, "log": "yes"}),
        ("rate", {"low": 1, "high": 2, "quick": 1}),
        ("rate", {"low": True, "high": 2}),
        ("rate", {"values": []}),
        ("rate", [1, 2]),
        ("rate", None),
        ("rate", "1," * 3000),
        ("epochs", "1.5, 2"),
        ("epochs", "1..4 step 0.5"),
        ("epochs", "8..64 log step 1.5"),
        ("optimizer", "AdamW; rm -rf /"),
        ("optimizer", "${oc.env:SECRET}"),
        ("optimizer", "a=b"),
        ("optimizer", "--help"),
        ("optimizer", {"low": 1, "high": 2}),
        ("deep", "maybe"),
        ("channels", "[1, 'x']"),
        ("day", "2025-01-01"),
        ("nothing", "1"),
        ("rate:x=1", "1"),
        ("${x}", "1"),
        ("a\nb", "1"),
    ],
)
def test_what_is_wrong_or_hostile_is_refused_by_name(key: str, raw: object) -> None:
    with pytest.raises(SpaceErrors) as caught:
        of(key, raw)
    assert list(caught.value.errors) == [f"train.{key}"]
    assert sentences.is_known(caught.value.errors[f"train.{key}"])


def test_a_space_is_stored_and_loaded() -> None:
    space = sweep_space.read(
        PARAMETERS, {"train.epochs": "1..9", "train.rate": "1..2 log", "train.deep": "true"}
    )
    assert sweep_space.load({one.key: one.stored() for one in space}) == space


def test_a_grid_is_every_set_once_and_its_size_is_known_before() -> None:
    space = sweep_space.read(PARAMETERS, {"train.epochs": "1..3", "train.optimizer": "SGD, AdamW"})
    points = sweep_points.grid(space)
    assert sweep_points.size(space) == len(points) == 6
    assert points[:2] == [
        {"train.epochs": 1, "train.optimizer": "SGD"},
        {"train.epochs": 1, "train.optimizer": "AdamW"},
    ]
    assert len({sweep_points.identity(point) for point in points}) == 6


def test_the_size_of_a_huge_grid_is_counted_without_making_it() -> None:
    values = {f"train.{key}": {"values": list(range(1000))} for key in ("epochs",)}
    huge = sweep_space.read(PARAMETERS, {**values, "train.rate": {"values": list(range(1000))}})
    assert sweep_points.size(huge * 10) == 10**60


def test_a_grid_needs_steps_where_there_is_no_end_of_values() -> None:
    with pytest.raises(SpaceErrors) as caught:
        sweep_points.grid([of("rate", "1..2"), of("epochs", "1..64 log")])
    assert set(caught.value.errors) == {"train.rate", "train.epochs"}


def test_random_sets_differ_stay_inside_and_come_again_with_their_seed() -> None:
    space = sweep_space.read(
        PARAMETERS,
        {"train.rate": "1e-4..1e-1 log", "train.epochs": "1..100", "train.optimizer": "SGD, AdamW"},
    )
    points = sweep_points.sample(space, 50, seed=7)
    assert points == sweep_points.sample(space, 50, seed=7)
    assert points != sweep_points.sample(space, 50, seed=8)
    assert len({sweep_points.identity(point) for point in points}) == 50
    assert all(1e-4 <= point["train.rate"] <= 0.1 and 1 <= point["train.epochs"] <= 100 for point in points)  # type: ignore[operator]
    below = sum(point["train.rate"] < 0.00316 for point in points)  # type: ignore[operator]
    assert 12 < below < 38  # the middle of the logarithmic scale


def test_all_of_a_small_space_are_found_and_no_more_are_promised() -> None:
    space = sweep_space.read(PARAMETERS, {"train.epochs": "1..3", "train.deep": "true, false"})
    assert len(sweep_points.sample(space, 6, seed=1)) == 6
    with pytest.raises(SpaceErrors, match="only 6 different"):
        sweep_points.sample(space, 7, seed=1)
