"""The experiments that people made with DVC in a repository, as its page shows them."""

from dataclasses import dataclass

from experiments.models import Commit, DvcExperiment, Repository
from experiments.parameter_changes import parameters_of
from experiments.run_columns import TELLING
from experiments.value_text import value_text

_SHOWN = 50
_METRICS = 4


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment.

    :ivar changes: the parameters that differ from those of its commit, as texts
    :ivar metrics: its most telling metrics
    """

    experiment: DvcExperiment
    changes: list[tuple[str, str]]
    metrics: list[tuple[str, float]]


@dataclass(frozen=True)
class Experiments:
    """The newest experiments, and how many there are."""

    rows: list[ExperimentRow]
    total: int


def of(repository: Repository) -> Experiments:
    """Return the newest experiments of a repository. Three queries, one if there are none."""
    found = list(repository.dvc_experiments.all()[:_SHOWN])
    if not found:
        return Experiments([], 0)
    commits = Commit.objects.filter(repository=repository, sha__in={one.base_sha for one in found})
    texts = dict(commits.values_list("sha", "params_text"))
    rows = [_row(one, texts.get(one.base_sha, "")) for one in found]
    return Experiments(rows, repository.dvc_experiments.count())


def _row(one: DvcExperiment, params_text: str) -> ExperimentRow:
    before = {parameter.key: value_text(parameter.default) for parameter in parameters_of(params_text)}
    after = {str(key): value_text(value) for key, value in dict(one.params).items()}
    numbers = [
        (str(key), float(value))
        for key, value in dict(one.metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    numbers.sort(key=lambda pair: TELLING.index(pair[0]) if pair[0] in TELLING else len(TELLING))
    changes = [(key, text) for key, text in after.items() if before.get(key) != text]
    return ExperimentRow(one, changes, numbers[:_METRICS])
