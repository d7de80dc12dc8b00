"""Runs beside each other: which they are, what they are compared with, and their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Person
from experiments import compare_cells, compare_rows, production_runs, run_colours, run_facts
from experiments.compare_cells import Extreme, Line
from experiments.compare_request import CompareRequest, Point
from experiments.compare_rows import Row
from experiments.metric_goals import Goal
from experiments.models import Repository, Run
from experiments.production_runs import ProductionRun
from experiments.selectors import meanings
from experiments.selectors.extremes import extremes

LIVE = frozenset({"RUNNING", "SCHEDULED"})
#: So many cells are shown on one page.
MAX_CELLS = 2_500
_ROWS = 20
_ACTIVE = "active"


@dataclass(frozen=True)
class Compared:
    """One of the runs.

    :ivar colour: number of its colour, in charts and tables
    :ivar production: the version in production that was made from it
    :ivar repository: name of the repository in which it can be run again; empty: in none
    """

    run: Run
    colour: int
    is_baseline: bool
    production: ProductionRun | None
    repository: str

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.run.status in LIVE

    @property
    def is_deleted(self) -> bool:
        """Whether it, or its experiment, was deleted in MLflow."""
        return {self.run.lifecycle_stage, self.run.experiment.lifecycle_stage} != {_ACTIVE}

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or goes on by now."""
        start = self.run.started_at
        return (self.run.ended_at or timezone.now()) - start if start else None


@dataclass(frozen=True)
class Comparison:
    """The runs that were found, and what was asked but cannot be.

    :ivar unknown: ids of which the mirror has no run
    :ivar lost_baseline: the id that was to be the baseline and is not among the runs
    :ivar offered: runs in production that are not among the runs
    """

    asked: CompareRequest
    runs: tuple[Compared, ...]
    unknown: tuple[str, ...]
    lost_baseline: str
    offered: tuple[ProductionRun, ...]
    rows: tuple[Row, ...]

    @property
    def ids(self) -> list[str]:
        """The runs' ids, in the order of the columns."""
        return [one.run.run_id for one in self.runs]

    @property
    def baseline(self) -> Compared | None:
        """What the others are compared with; None where there is nothing to compare."""
        return next((one for one in self.runs if one.is_baseline), None)

    @property
    def is_live(self) -> bool:
        """Whether one of them goes on."""
        return any(one.is_live for one in self.runs)

    @property
    def experiments(self) -> list[int]:
        """Primary keys of their experiments."""
        return list(dict.fromkeys(one.run.experiment_id for one in self.runs))


def compare(asked: CompareRequest, user: Person) -> Comparison:
    """Return the runs that `asked` names beside each other. At most seven queries, however many they are."""
    by_id = {
        run.run_id: run for run in Run.objects.filter(run_id__in=asked.runs).select_related("experiment")
    }
    runs = [by_id[name] for name in asked.runs if name in by_id]
    produced = production_runs.of(user, runs)
    serving = {one.run_id: one for one in produced}
    baseline = _baseline(asked, runs, produced)
    colour = run_colours.colours(by_id)
    connected = _repositories(runs)
    compared = tuple(
        Compared(
            run,
            colour[run.run_id],
            run.run_id == baseline and len(runs) > 1,
            serving.get(run.run_id),
            connected.get(str(run.tags.get(run_facts.REPOSITORY, "")), ""),
        )
        for run in runs
    )
    return Comparison(
        asked=asked,
        runs=compared,
        unknown=tuple(name for name in asked.runs if name not in by_id),
        lost_baseline=asked.baseline if asked.baseline and asked.baseline not in by_id else "",
        offered=tuple(one for one in produced if one.run_id not in by_id),
        rows=tuple(_rows(runs)),
    )


def lines(found: Comparison, rows: Sequence[Row]) -> list[Line]:
    """Return some rows with their cells. One query if they show anything but the latest values."""
    baseline = next((at for at, one in enumerate(found.runs) if one.is_baseline), None)
    past = _past(found, rows)
    keys = [one.run.pk for one in found.runs]
    return [
        Line(
            row,
            compare_cells.cells(
                row,
                baseline,
                [past.get((key, row.key)) for key in keys] if past and row.section == "metrics" else None,
            ),
        )
        for row in rows
    ]


def per_page(found: Comparison) -> int:
    """Return how many rows are shown on one page."""
    return max(_ROWS, MAX_CELLS // max(len(found.runs), 1))


def _baseline(asked: CompareRequest, runs: Sequence[Run], produced: Sequence[ProductionRun]) -> str:
    """Return the run that was chosen, else the likeliest that is in production, else the first."""
    names = [run.run_id for run in runs]
    candidates = [asked.baseline, *(one.run_id for one in produced), *names]
    return next((name for name in candidates if name in names), "")


def _repositories(runs: Sequence[Run]) -> dict[str, str]:
    """Return the repositories that runs are from and that are connected, by name. One query."""
    names = {str(run.tags.get(run_facts.REPOSITORY, "")) for run in runs}
    return {name: name for name in Repository.objects.filter(name__in=names).values_list("name", flat=True)}


def _past(found: Comparison, rows: Sequence[Row]) -> dict[tuple[int, str], Extreme]:
    wanted = {
        row.key: largest
        for row in rows
        if row.meaning and (largest := _largest(found.asked.point, row.meaning.goal)) is not None
    }
    return extremes([one.run.pk for one in found.runs], wanted)


def _largest(point: Point, goal: Goal) -> bool | None:
    """Return whether the largest value is asked for, or the smallest; None: the latest."""
    if point == "best":
        return None if goal is Goal.UNKNOWN else goal is Goal.MAX
    return {"min": False, "max": True}.get(point)


def _rows(runs: Sequence[Run]) -> list[Row]:
    experiments = list(dict.fromkeys(run.experiment_id for run in runs))
    known = meanings.meanings(experiments)
    return [
        *compare_rows.of_metrics([run.metrics for run in runs], lambda key: known.across(key, experiments)),
        *compare_rows.of_texts("params", [run.params for run in runs]),
        *compare_rows.of_texts("run", [_facts(run) for run in runs], order=False),
        *compare_rows.of_texts("tags", [dict(run_facts.own_tags(run.tags)) for run in runs]),
    ]


def _facts(run: Run) -> dict[str, Any]:
    """Return what is known of a run besides what it logged, in words of the reader's language."""
    facts = {str(_("Experiment")): run.experiment.name, str(_("User")): run.user or None}
    return facts | {str(fact.label): fact.value for fact in run_facts.source(run.tags)}
