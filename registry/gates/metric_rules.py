"""How one metric is held against its limits. Decimal arithmetic: 0.7 + 0.1 is 0.8, as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from registry.gates.gate import Facts, Row, Status

MIN, MAX, AUTO = "min", "max", "auto"
PERCENT, ABSOLUTE = "percent", "absolute"
_DIGITS = 4


@dataclass(frozen=True)
class Limit:
    """One bound of a metric.

    :ivar upper: whether smaller values are within; otherwise larger ones
    :ivar baseline: value of Production that it was made from; None: a fixed bound
    """

    bound: Decimal
    upper: bool
    baseline: Decimal | None = None

    def margin(self, value: Decimal) -> Decimal:
        """Return how far within `value` is; negative: beyond."""
        return self.bound - value if self.upper else value - self.bound

    @property
    def text(self) -> str:
        """The bound as a threshold."""
        return f"{'≤' if self.upper else '≥'} {number(self.bound)}"


def judged(rule: Mapping[str, Any], facts: Facts) -> Row:
    """Return how the metric of `rule` stands: a row of the option `rules` of the gate `metrics`."""
    name = rule["metric"]
    raw = facts.metrics.get(name)
    if raw is None:
        return Row(name, Status.FAILED, threshold=_fixed_text(rule), reason=f"{name} is not recorded.")
    if not isfinite(raw):
        return Row(name, Status.FAILED, str(raw), _fixed_text(rule), reason=f"{name} is not a finite number.")
    value = _exact(raw)
    direction = direction_of(rule, facts.goals)
    baseline = _baseline(rule, facts)
    if baseline is not None and direction not in (MIN, MAX):
        reason = f"Nobody said whether smaller or larger values of {name} are better."
        return Row(name, Status.FAILED, number(value), reason=reason)
    limits = _limits(rule, direction, baseline)
    if not limits:
        return Row(name, Status.PASSED, number(value), reason=_nothing_to_hold_against(rule, facts))
    tightest = min(limits, key=lambda limit: limit.margin(value))
    return _row(name, value, limits, tightest, facts.incumbent)


def direction_of(rule: Mapping[str, Any], goals: Mapping[str, str]) -> str:
    """Return whether smaller (`MIN`) or larger values are better: as the rule says, else as the goal says."""
    return str(rule["goal"] if rule["goal"] != AUTO else goals.get(rule["metric"], ""))


def number(value: Decimal) -> str:
    """Return a number with four significant digits."""
    return f"{float(value):.{_DIGITS}g}"


def signed(value: Decimal) -> str:
    """Return a margin with its sign; nothing is neither."""
    return f"{float(value):+.{_DIGITS}g}" if value else "0"


def _row(name: str, value: Decimal, limits: list[Limit], tightest: Limit, incumbent: str) -> Row:
    margin = tightest.margin(value)
    passed = margin >= 0
    threshold = ", ".join(limit.text for limit in limits)
    verb = "is within" if passed else "is beyond"
    reason = f"{name} {verb} its limit ({tightest.text})."
    if tightest.baseline is not None:
        reason = f"{name} {verb} its limit ({tightest.text}); {incumbent} has {number(tightest.baseline)}."
    status = Status.PASSED if passed else Status.FAILED
    return Row(name, status, number(value), threshold, signed(margin), reason)


def _limits(rule: Mapping[str, Any], direction: str, baseline: Decimal | None) -> list[Limit]:
    found = []
    if rule["at_least"] is not None:
        found.append(Limit(_exact(rule["at_least"]), upper=False))
    if rule["at_most"] is not None:
        found.append(Limit(_exact(rule["at_most"]), upper=True))
    if baseline is not None:
        room = _exact(rule["tolerance"])
        if rule["unit"] == PERCENT:
            room = abs(baseline) * room / 100
        upper = direction == MIN
        found.append(Limit(baseline + room if upper else baseline - room, upper, baseline))
    return found


def _baseline(rule: Mapping[str, Any], facts: Facts) -> Decimal | None:
    raw = facts.incumbent_metrics.get(rule["metric"]) if facts.incumbent and rule["compare"] else None
    return _exact(raw) if raw is not None and isfinite(raw) else None


def _nothing_to_hold_against(rule: Mapping[str, Any], facts: Facts) -> str:
    name = rule["metric"]
    if not rule["compare"]:
        return f"{name} is recorded."
    if not facts.incumbent:
        return f"{name} is recorded; there is no version in Production to compare it with."
    return f"{name} is recorded; {facts.incumbent} in Production has none to compare it with."


def _fixed_text(rule: Mapping[str, Any]) -> str:
    return ", ".join(limit.text for limit in _limits(rule, "", None))


def _exact(value: float) -> Decimal:
    # By its shortest text: the number that people read, not the nearest sum of powers of two.
    return Decimal(str(value))
