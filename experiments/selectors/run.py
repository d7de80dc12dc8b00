"""Everything the page of one run shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from experiments import charts, run_facts
from experiments.metric_goals import Goal
from experiments.metric_meaning import Meaning, Meanings
from experiments.models import Job, MetricSeries, Repository, Run
from experiments.run_columns import TELLING, number_of
from experiments.run_facts import SourceFact
from experiments.selectors import meanings, series
from experiments.series import Series

MAX_CHARTS = 24
_HEADLINES = 6


@dataclass(frozen=True)
class MetricRow:
    """The latest value of a metric and how many points its curve has."""

    key: str
    value: float | None
    meaning: Meaning
    length: int


@dataclass(frozen=True)
class RunDetail:
    """One run, ready to be shown.

    :ivar headlines: the metrics that say most
    :ivar charts: curves to draw; `hidden_charts` more are not
    :ivar params: parameters by section
    :ivar job: the job that made it, if one did
    :ivar repository: where it can be run again
    :ivar mlflow_url: MLflow's own page of it
    """

    run: Run
    duration: timedelta | None
    metrics: list[MetricRow]
    headlines: list[MetricRow]
    charts: list[charts.Group]
    hidden_charts: int
    params: list[tuple[str, list[tuple[str, str]]]]
    source: list[SourceFact]
    note: str
    tags: list[tuple[str, str]]
    internal_tags: list[tuple[str, str]]
    job: Job | None
    repository: Repository | None
    mlflow_url: str

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.run.status in {"RUNNING", "SCHEDULED"}


def detail(run: Run, *, all_charts: bool = False) -> RunDetail:
    """Return everything about `run`. At most four queries.

    :param run: with its experiment loaded
    :param all_charts: also draw what is hidden otherwise
    """
    lengths = dict(MetricSeries.objects.filter(run=run).values_list("key", "length"))
    metrics = _metrics(run, lengths, meanings.meanings([run.experiment_id]))
    drawn = charts.groups(key for key, length in lengths.items() if length > 1)
    shown = drawn if all_charts else drawn[:MAX_CHARTS]
    return RunDetail(
        run=run,
        duration=_duration(run),
        metrics=metrics,
        headlines=metrics[:_HEADLINES],
        charts=shown,
        hidden_charts=len(drawn) - len(shown),
        params=run_facts.sections(run.params),
        source=run_facts.source(run.tags),
        note=_note(run),
        tags=run_facts.own_tags(run.tags),
        internal_tags=run_facts.internal_tags(run.tags),
        job=_job(run),
        repository=_repository(run),
        mlflow_url=_mlflow_url(run),
    )


def series_of(run: Run, group_name: str) -> tuple[charts.Group, dict[str, Series]] | None:
    """Return a group of curves of `run` with all points, or None if it has no such group. Two queries."""
    keys = MetricSeries.objects.filter(run=run, length__gt=1).values_list("key", flat=True)
    group = next((one for one in charts.groups(keys) if one.name == group_name), None)
    if group is None:
        return None
    return group, {key: found for (_run, key), found in series.read([run.pk], group.keys).items()}


def _note(run: Run) -> str:
    """Return what was written about a run, unless it is its name already."""
    note = str(run.tags.get(run_facts.NOTE, "")).strip()
    return "" if note == run.name else note


def _metrics(run: Run, lengths: Mapping[str, int], known: Meanings) -> list[MetricRow]:
    found = {key: known.of(key, run.experiment_id) for key in run.metrics}

    def rank(key: str) -> tuple[int, bool, str]:
        telling = TELLING.index(key) if key in TELLING else len(TELLING)
        return telling, found[key].goal is Goal.UNKNOWN, key

    return [
        MetricRow(key, number_of(run.metrics[key]), found[key], lengths.get(key, 0))
        for key in sorted(run.metrics, key=rank)
    ]


def _duration(run: Run) -> timedelta | None:
    if run.started_at is None:
        return None
    return (run.ended_at or timezone.now()) - run.started_at


def _job(run: Run) -> Job | None:
    number = str(run.tags.get(run_facts.JOB, ""))
    if not number.isdecimal() or len(number) > 18:
        return None
    return Job.objects.select_related("repository").filter(pk=int(number)).first()


def _repository(run: Run) -> Repository | None:
    return Repository.objects.filter(name=str(run.tags.get(run_facts.REPOSITORY, ""))).first()


def _mlflow_url(run: Run) -> str:
    base = str(settings.MLFLOW_PUBLIC_URL).rstrip("/")
    return f"{base}/#/experiments/{run.experiment.experiment_id}/runs/{run.run_id}"
