"""Gate: static inspection found nothing in the model files that could run code."""

from collections.abc import Iterable, Mapping
from typing import Any

from registry.gates.gate import Facts, Gate, GateResult, Row, Status

_SHOWN = 50


def check(facts: Facts, config: Mapping[str, Any]) -> GateResult:
    """Pass if the scanner looked through every model file without an error and suspects nothing.

    What it says is not taken on trust: a suspicion beside the word "clean", or no file at all, does not pass.
    """
    found = facts.inspection
    if not found:
        return GateResult(Status.PENDING, "The model files were never inspected.", "", "clean")
    if found.get("error"):
        reason = f"The scanner could not look through the model files: {found['error']}"
        return GateResult(Status.FAILED, reason, "not clean", "clean")
    files = [one for one in found.get("files") or () if isinstance(one, Mapping)]
    rows = tuple(_rows(files))
    if rows or found.get("clean") is not True:
        return GateResult(Status.FAILED, _suspicious(rows), "not clean", "clean", rows=rows[:_SHOWN])
    if not files:
        return GateResult(Status.FAILED, "No model file was found that could be inspected.", "", "clean")
    reason = "Nothing was found in the model files that could run code."
    return GateResult(Status.PASSED, reason, "clean", "clean")


def _rows(files: Iterable[Mapping[str, Any]]) -> Iterable[Row]:
    for one in files:
        suspicions = [str(text) for text in one.get("suspicions") or ()]
        if suspicions:
            path, kind = str(one.get("path", "")), str(one.get("kind", ""))
            yield Row(path, Status.FAILED, kind, reason="; ".join(suspicions))


def _suspicious(rows: tuple[Row, ...]) -> str:
    if not rows:
        return "The scanner does not call the model files clean."
    return f"These files could run code when they are loaded: {', '.join(row.name for row in rows[:_SHOWN])}."


GATE = Gate(
    "model_files",
    "Model files clean",
    "Static inspection found nothing in the model files that could run code.",
    check,
    tab="files",
)
