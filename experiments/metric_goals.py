"""Rules: whether a smaller or a larger value of a metric is better, guessed from its name."""

import re
from enum import StrEnum


class Goal(StrEnum):
    """Which values of a metric are better."""

    MIN = "min"
    MAX = "max"
    UNKNOWN = ""


_SMALLER = {
    "loss",
    "cer",
    "wer",
    "ter",
    "error",
    "err",
    "mse",
    "mae",
    "rmse",
    "mape",
    "perplexity",
    "latency",
}
_LARGER = {
    *("accuracy", "acc", "precision", "recall", "f1", "auc", "auroc", "map", "iou", "dice", "bleu", "rouge"),
    *("r2", "score", "exact", "match", "throughput"),
}
_WORDS = re.compile(r"[a-z]+[0-9]*|[0-9]+")


def goal(name: str) -> Goal:
    """Return which values of the metric called `name` are better; the last telling word of the name counts.

    `val_cer` and `eval/loss` are better when smaller, `val_accuracy` and `f1_macro` when larger.
    """
    for word in reversed(_WORDS.findall(name.lower())):
        if word in _SMALLER:
            return Goal.MIN
        if word in _LARGER:
            return Goal.MAX
    return Goal.UNKNOWN


def verdict(value: float, baseline: float, *, goal: str, tolerance: float = 0.0) -> str:
    """Say whether `value` is better than `baseline` for a metric to be maximised or minimised.

    :param goal: `max`, `min`, or anything else where no direction was declared
    :param tolerance: absolute difference up to which both count as the same
    :return: ``better``, ``worse``, ``same`` or ``unjudged``
    """
    if goal not in {"max", "min"}:
        return "unjudged"
    # `not >` rather than `<=`, so that NaN, which compares with nothing, is judged by nobody.
    difference = value - baseline
    if difference != difference:
        return "unjudged"
    if abs(difference) <= tolerance:
        return "same"
    return "better" if (difference > 0) == (goal == "max") else "worse"
