"""What a metric means: declared for its experiment, for all, or by its name."""

from experiments.metric_goals import Goal
from experiments.metric_meaning import Declared, Meaning, Meanings, Source

MEANINGS = Meanings(
    {
        (1, "val_cer"): Declared("max", "%", 0.5),
        (None, "val_cer"): Declared("min"),
        (None, "speed"): Declared("max", "images/s"),
        (2, "loss"): Declared("unknown"),
        (3, "loss"): Declared("", "nats"),
    }
)


def test_the_experiment_counts_before_all_and_all_before_the_name() -> None:
    assert MEANINGS.of("val_cer", 1) == Meaning(Goal.MAX, "%", 0.5, Source.EXPERIMENT)
    assert MEANINGS.of("val_cer", 2) == Meaning(Goal.MIN, source=Source.GENERAL)
    assert MEANINGS.of("val_wer", 1) == Meaning(Goal.MIN)
    assert MEANINGS.of("something", 1) == Meaning(Goal.UNKNOWN)


def test_a_unit_alone_leaves_the_direction_to_the_name() -> None:
    assert MEANINGS.of("loss", 3) == Meaning(Goal.MIN, "nats", 0.0, Source.EXPERIMENT)
    assert MEANINGS.of("loss", 2).goal is Goal.UNKNOWN


def test_experiments_that_disagree_judge_nothing() -> None:
    assert MEANINGS.across("val_cer", [1, 2]) == Meaning(Goal.UNKNOWN, "", 0.0, Source.EXPERIMENT)
    assert MEANINGS.across("speed", [1, 2]).goal is Goal.MAX
    assert MEANINGS.across("speed", []).goal is Goal.MAX
