"""Rules: what came of a reproduction in one English sentence, as `experiments.sentences` translates it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from lineage.rebuilt import UNCOMPARED, Source, State, Verdict

_SENTENCES = {
    Verdict.IDENTICAL: _("Rebuilt bit by bit: %(files)s files and %(metrics)s metrics are identical."),
    Verdict.WITHIN: _("Rebuilt within the tolerance: %(same)s of %(files)s files are identical."),
    Verdict.DIFFERENT: _("Rebuilt with another result: %(names)s."),
    Verdict.NOT_SHOWN: _("Rebuilt, but not shown to be what was registered: %(names)s."),
    Verdict.NO_PIPELINE: _("Not rebuilt, there is no pipeline: %(problem)s"),
    Verdict.NO_COMMIT: _("Not rebuilt, the commit cannot be reached: %(problem)s"),
    Verdict.NO_RECORD: _("Not rebuilt, nothing to compare with: %(problem)s"),
    Verdict.MISSING_DATA: _("Not rebuilt, data are missing: %(problem)s"),
    Verdict.CHANGED_INPUT: _("Not rebuilt, an input has changed: %(problem)s"),
    Verdict.STAGE_FAILED: _("Not rebuilt, a stage failed: %(problem)s"),
    Verdict.NOT_ENCLOSED: _("Not run, cannot be enclosed: %(problem)s"),
}
_UNENCLOSED = _("%(problem)s Its stages were not enclosed, which the operator allows.")
NOT_ENCLOSED = _(
    "This worker cannot keep stages away from its files and secrets (%(reason)s). Its operator has to let it "
    "make namespaces, or to set STAGEGATE_REPRODUCE_UNENCLOSED; docs/reproduction.md says how."
)
_NOTHING_SHOWN = _("Rebuilt, but no registered file is shown to be its output.")
ALL = (*_SENTENCES.values(), _UNENCLOSED, NOT_ENCLOSED, _NOTHING_SHOWN)
_SHOWN = 5
_FINE = {State.IDENTICAL, State.WITHIN, *UNCOMPARED}


def summary(report: Mapping[str, Any]) -> str:
    """Return the sentence about a whole report."""
    files, metrics = report["files"], report["metrics"]
    compared = [row for row in metrics if row["state"] not in UNCOMPARED]
    wrong = [row["name"] for row in metrics if row["state"] not in _FINE]
    wrong += [row["path"] for row in files if row["state"] not in _FINE]
    if report["verdict"] == Verdict.NOT_SHOWN:
        wrong = [row["path"] for row in report["registered"] if row["source"] == Source.UNKNOWN]
    values = {
        "files": len(files),
        "metrics": len(compared),
        "same": sum(row["state"] == State.IDENTICAL for row in files),
        "names": ", ".join(wrong[:_SHOWN]) + (", …" if len(wrong) > _SHOWN else ""),
        # What a tool said about it comes after the first line, and is in the report.
        "problem": " ".join(
            (report["problem"] or "dvc.lock names no output.").strip().split("\n")[0].split()
        ),
    }
    nothing = report["verdict"] == Verdict.NOT_SHOWN and not wrong
    said = _NOTHING_SHOWN if nothing else _SENTENCES[Verdict(report["verdict"])] % values
    return _UNENCLOSED % {"problem": said} if ran_unenclosed(report) else said


def ran_unenclosed(report: Mapping[str, Any]) -> bool:
    """Say whether stages ran where nothing kept them away from the files and secrets of the worker."""
    return bool(report["stages"]) and not report["isolation"].get("enclosed")
