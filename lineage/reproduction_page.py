"""Page-shaped reads of reproductions: the list of a version, and one report put together for reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.access import Person
from lineage.models import Reproduction
from lineage.rebuilt import Source, State, Verdict
from lineage.reproduction_words import ran_unenclosed
from registry.access import visible_q
from registry.models import ModelVersion

_SHOWN = 50
_WRONG = (State.DIFFERENT, State.MISSING, State.NEW)
VERDICTS: Mapping[str, str | Promise] = {
    Verdict.IDENTICAL: gettext_lazy("Rebuilt, bit by bit"),
    Verdict.WITHIN: gettext_lazy("Rebuilt, within the tolerance"),
    Verdict.DIFFERENT: gettext_lazy("Rebuilt, with another result"),
    Verdict.NOT_SHOWN: gettext_lazy("Rebuilt, but not shown to be what was registered"),
    Verdict.NO_PIPELINE: gettext_lazy("Not rebuilt: no pipeline"),
    Verdict.NO_COMMIT: gettext_lazy("Not rebuilt: commit not reachable"),
    Verdict.NO_RECORD: gettext_lazy("Not rebuilt: nothing to compare with"),
    Verdict.MISSING_DATA: gettext_lazy("Not rebuilt: data missing"),
    Verdict.CHANGED_INPUT: gettext_lazy("Not rebuilt: changed input"),
    Verdict.STAGE_FAILED: gettext_lazy("Not rebuilt: a stage failed"),
    Verdict.NOT_ENCLOSED: gettext_lazy("Not run: cannot be enclosed"),
}
STATES: Mapping[str, tuple[str, str, str | Promise]] = {
    State.IDENTICAL: ("check", "good", pgettext_lazy("rebuilt", "identical")),
    State.WITHIN: ("check", "good", pgettext_lazy("rebuilt", "within tolerance")),
    State.DIFFERENT: ("x-mark", "bad", pgettext_lazy("rebuilt", "different")),
    State.MISSING: ("x-mark", "bad", pgettext_lazy("rebuilt", "not made again")),
    State.NEW: ("x-mark", "bad", pgettext_lazy("rebuilt", "not recorded before")),
    State.NOT_PRODUCED: ("minus", "warn", pgettext_lazy("rebuilt", "not among the rebuilt metrics")),
    State.NOT_COMPARED: ("minus", "neutral", pgettext_lazy("rebuilt", "not compared")),
}

SOURCES: Mapping[str, tuple[str, str, str | Promise]] = {
    Source.OUTPUT: ("check", "good", gettext_lazy("an output, made again")),
    Source.RECORDED: ("check", "good", gettext_lazy("an output, as it was recorded")),
    Source.INPUT: ("minus", "neutral", gettext_lazy("a file of the commit")),
    Source.PACKAGING: ("minus", "neutral", gettext_lazy("none: what MLflow writes around a model")),
    Source.UNKNOWN: ("x-mark", "bad", gettext_lazy("nothing of this pipeline")),
}


@dataclass(frozen=True)
class Line:
    """One file or metric with the icon, tone and word of its state, or of where it comes from."""

    row: Mapping[str, Any]
    icon: str
    tone: str
    word: str | Promise


@dataclass(frozen=True)
class ReportPage:
    """A report for reading: what is wrong comes first.

    :ivar tone: of the verdict: good, warn or bad
    """

    found: Reproduction
    title: str | Promise
    tone: str
    files: tuple[Line, ...]
    metrics: tuple[Line, ...]
    registered: tuple[Line, ...]

    @property
    def report(self) -> Mapping[str, Any]:
        """The report as it was signed."""
        return self.found.report

    @property
    def is_unenclosed(self) -> bool:
        """Whether stages ran where nothing kept them away from the files and secrets of the worker."""
        return ran_unenclosed(self.report)


def newest(version: ModelVersion) -> list[Reproduction]:
    """Return the reproductions of `version`, the newest first, without their reports. One query."""
    return list(version.reproductions.defer("report").order_by("-pk")[:_SHOWN])


def visible(user: Person) -> QuerySet[Reproduction]:
    """Return the reproductions of versions that `user` sees."""
    found = Reproduction.objects.select_related("version__model")
    return found.filter(visible_q(user, "version__model"))


def get(pk: int, *, user: Person) -> Reproduction:
    """Return one reproduction.

    :raises Http404: there is none, or `user` does not see its model
    """
    found = visible(user).filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404(_("There is no reproduction %(number)s.") % {"number": pk})
    return found


def page_of(found: Reproduction) -> ReportPage:
    """Return the report of `found` for reading."""
    verdict = Verdict(found.verdict)
    tone = "good" if verdict == Verdict.IDENTICAL else "warn" if verdict.passed else "bad"
    files, metrics = (_lines(found.report[part]) for part in ("files", "metrics"))
    # Reports from before they said it have no such rows.
    registered = (Line(row, *SOURCES[Source(row["source"])]) for row in found.report.get("registered", []))
    return ReportPage(found, VERDICTS[verdict], tone, files, metrics, tuple(registered))


def _lines(rows: list[dict[str, Any]]) -> tuple[Line, ...]:
    ordered = sorted(rows, key=lambda row: (row["state"] not in _WRONG, row["state"] != State.NOT_PRODUCED))
    return tuple(Line({**row, **_written_alike(row)}, *STATES[State(row["state"])]) for row in ordered)


def _written_alike(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return both sides in one form: MLflow keeps 6 as 6.0, so that equal numbers would look different."""
    sides = {name: row.get(name) for name in ("recorded", "rebuilt")}
    if not any(isinstance(value, int) for value in sides.values()):
        return sides
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in sides.items()
    }
