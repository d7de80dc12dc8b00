"""What the overview of one run shows besides its header: metrics that say most, parameters, origin, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments import run_facts
from experiments.metric_goals import Goal
from experiments.metric_meaning import Meaning, Meanings
from experiments.models import Run
from experiments.run_columns import TELLING, number_of
from experiments.run_facts import SourceFact
from experiments.selectors import meanings
from experiments.selectors.run_frame import SYSTEM, Frame

_HEADLINES = 8


@dataclass(frozen=True)
class MetricRow:
    """The latest value of a metric and what is known of it."""

    key: str
    value: float | None
    meaning: Meaning


@dataclass(frozen=True)
class RunTagRow:
    """One tag that people set; `state` says what is being written: ``set``, ``gone`` or nothing."""

    key: str
    value: str
    state: str


@dataclass(frozen=True)
class RunDetail:
    """One run, ready to be shown.

    :ivar headlines: the metrics that say most
    :ivar params: parameters by section
    """

    headlines: list[MetricRow]
    params: list[tuple[str, list[tuple[str, str]]]]
    source: list[SourceFact]
    tags: list[RunTagRow]
    internal_tags: list[tuple[str, str]]


def detail(frame: Frame) -> RunDetail:
    """Return what the overview shows. One query."""
    run = frame.run
    return RunDetail(
        headlines=metrics(run, meanings.meanings([run.experiment_id]))[:_HEADLINES],
        params=run_facts.sections(run.params),
        source=run_facts.source(run.tags),
        tags=_tags(frame),
        internal_tags=run_facts.internal_tags(frame.tags),
    )


def metrics(run: Run, known: Meanings, *, system: bool = False) -> list[MetricRow]:
    """Return the metrics of `run`, or with `system` those of its machine; the most telling ones first."""
    found = {key: known.of(key, run.experiment_id) for key in run.metrics if key.startswith(SYSTEM) == system}

    def rank(key: str) -> tuple[int, bool, str]:
        telling = TELLING.index(key) if key in TELLING else len(TELLING)
        return telling, found[key].goal is Goal.UNKNOWN, key

    return [MetricRow(key, number_of(run.metrics[key]), found[key]) for key in sorted(found, key=rank)]


def _tags(frame: Frame) -> list[RunTagRow]:
    """Return the tags that people set, as they are and as they are about to be."""
    now: Mapping[str, str] = dict(run_facts.own_tags(frame.run.tags))
    soon = dict(run_facts.own_tags(frame.tags))
    rows = []
    for key in sorted(now.keys() | soon.keys()):
        state = "" if soon.get(key) == now.get(key) else "set" if key in soon else "gone"
        rows.append(RunTagRow(key, str(soon.get(key, now.get(key, ""))), state))
    return rows
