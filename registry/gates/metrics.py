"""Gate: metrics keep to fixed limits and are not worse than those of the version in Production."""

from collections.abc import Mapping
from typing import Any

from experiments.metric_goals import goal
from registry.gates.gate import Facts, Gate, GateResult, Row, Status
from registry.gates.metric_rules import ABSOLUTE, AUTO, MAX, MIN, PERCENT, judged
from registry.gates.options import Kind, Option

#: What is looked at where a policy names no metric: those of these that either version has.
KEY_METRICS = ("val_cer", "val_wer", "val_accuracy", "val_loss")
TOLERANCE_PERCENT = 5


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if every metric of the policy is recorded, finite and within each of its limits."""
    rules = config["rules"] or _default_rules(facts, config["tolerance"])
    if not rules:
        reason = f"None of the key metrics is recorded: {', '.join(KEY_METRICS)}."
        return GateResult(Status.FAILED, reason)
    rows = tuple(sorted((judged(rule, facts) for rule in rules), key=_failed_first))
    failed = [row for row in rows if row.status is not Status.PASSED]
    status = Status.FAILED if failed else Status.PASSED
    if len(rows) == 1:
        return GateResult(status, rows[0].reason, rows[0].value, rows[0].threshold, rows[0].margin, rows)
    good, count = len(rows) - len(failed), len(rows)
    reason = f"Not good enough: {', '.join(row.name for row in failed)}."
    if not failed:
        reason = f"All {count} metrics are good enough."
    return GateResult(status, reason, f"{good} / {count}", f"{count} / {count}", _less(failed), rows)


def _less(failed: list[Row]) -> str:
    return str(-len(failed)) if failed else "0"


def _failed_first(row: Row) -> bool:
    return row.status is Status.PASSED


def _default_rules(facts: Facts, tolerance: float) -> list[dict[str, Any]]:
    names = [name for name in KEY_METRICS if name in facts.metrics or name in facts.incumbent_metrics]
    fixed = {"at_least": None, "at_most": None, "compare": True, "goal": AUTO, "unit": PERCENT}
    return [{"metric": name, "tolerance": tolerance, **fixed} for name in names]


def _faults(config: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    names = [rule["metric"] for rule in config["rules"]]
    for number, rule in enumerate(config["rules"]):
        path = f"rules.{number}"
        if rule["metric"] in names[:number]:
            found[f"{path}.metric"] = "This metric stands in the list twice."
        least, most = rule["at_least"], rule["at_most"]
        if least is not None and most is not None and least > most:
            found[f"{path}.at_most"] = "The largest value is below the smallest."
        if rule["compare"] and rule["goal"] == AUTO and not goal(rule["metric"]):
            found[f"{path}.goal"] = "The name does not tell which values are better; choose it."
    return found


_GOALS = {AUTO: "by its name", MIN: "smaller is better", MAX: "larger is better"}
_UNITS = {PERCENT: "percent", ABSOLUTE: "absolute"}

GATE = Gate(
    "metrics",
    "Metrics",
    "Metrics keep to fixed limits and are not worse than those of the version in Production.",
    check,
    options=(
        Option(
            "tolerance",
            "Tolerance for the key metrics (percent)",
            Kind.NUMBER,
            TOLERANCE_PERCENT,
            help="How much worse than in Production they may be; counts where no metric is named below.",
            least=0,
            most=1000,
        ),
        Option(
            "rules",
            "Metrics",
            Kind.ROWS,
            (),
            columns=(
                Option("metric", "Metric", Kind.TEXT, "", required=True),
                Option("at_least", "At least", Kind.NUMBER),
                Option("at_most", "At most", Kind.NUMBER),
                Option("compare", "Compare with Production", Kind.FLAG, True),
                Option("goal", "Better", Kind.CHOICE, AUTO, choices=_GOALS),
                Option("tolerance", "Tolerance", Kind.NUMBER, 0, least=0),
                Option("unit", "Tolerance is", Kind.CHOICE, PERCENT, choices=_UNITS),
            ),
        ),
    ),
    faults=_faults,
    tab="metrics",
)
