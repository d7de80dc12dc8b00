"""Values for the run form taken from an earlier job or run: cloning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from experiments import run_facts, sentences
from experiments.models import DvcExperiment, Job, Repository, Run
from experiments.parameter_values import Parameter, ParameterErrors, validate_overrides
from experiments.value_text import value_text

_DIGITS = 18
_COMMITS = ("git_commit", "mlflow.source.git.commit")
_BRANCHES = ("git_branch", "mlflow.source.git.branch")


@dataclass(frozen=True)
class LeftOut:
    """A value that could not be taken over, and why."""

    key: str
    value: str
    reason: str


@dataclass(frozen=True)
class Prefill:
    """What a form begins with.

    :ivar values: parameter -> text
    :ivar ref: branch, tag or commit to start from; empty for the repository's default
    :ivar sha: commit that the job or run started from, if it is known here
    :ivar is_exact: whether each value was set by a person; a run also has values that are no parameters
    :ivar left_out: what a run has and its form cannot take
    """

    values: dict[str, str] = field(default_factory=dict)
    ref: str = ""
    sha: str = ""
    is_exact: bool = False
    job: Job | None = None
    run: Run | None = None
    experiment: DvcExperiment | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def query(self) -> str:
        """The query that asks for it again; empty for one that is taken from nothing."""
        if self.run is not None:
            return urlencode({"from_run": self.run.run_id})
        if self.experiment is not None:
            return urlencode({"from_experiment": self.experiment.pk})
        return urlencode({"from_job": self.job.pk}) if self.job is not None else ""


def from_job(repository: Repository, number: str, *, with_result: bool = False) -> Prefill | None:
    """Return what pipeline job `number` of `repository` set, or None if there is no such job. One query."""
    if not number.isdecimal() or len(number) > _DIGITS:
        return None
    found = repository.jobs.filter(pk=int(number), kind="pipeline")
    job = found.first() if with_result else found.defer("result").first()
    return _of_job(job) if job else None


def from_run(repository: Repository, run_id: str) -> Prefill | None:
    """Return the parameters of a run, its commit and branch. None if there is no such run. Four queries.

    A run that a job made has them as its pipeline had them, any other as it logged them.
    """
    run = Run.objects.filter(run_id=run_id[:64]).first() if run_id.isprintable() else None
    if run is None:
        return None
    tags = _mapping(run.tags)
    made = from_job(repository, str(tags.get(run_facts.JOB, "")), with_result=True)
    if made is not None and made.job is not None:
        params = _mapping(_mapping(made.job.result).get("params"))
        values = {str(key): value_text(value) for key, value in params.items()} | made.values
        return replace(made, values=values, is_exact=False, run=run)
    logged = {str(key): str(value) for key, value in _mapping(run.params).items()}
    branch = repository.refs.filter(kind="branch", name=_first(tags, _BRANCHES)).first()
    commit = repository.commits.filter(sha=_first(tags, _COMMITS)).only("sha").first()
    return Prefill(logged, branch.name if branch else "", commit.sha if commit else "", run=run)


def from_experiment(repository: Repository, number: str) -> Prefill | None:
    """Return the parameters of an experiment that somebody made with DVC; None if it is gone. One query."""
    if not number.isdecimal() or len(number) > _DIGITS:
        return None
    found = repository.dvc_experiments.filter(pk=int(number)).first()
    if found is None:
        return None
    values = {str(key): value_text(value) for key, value in _mapping(found.params).items()}
    return Prefill(values, found.branch, found.base_sha, experiment=found)


def fitted(prefill: Prefill, parameters: Sequence[Parameter]) -> Prefill:
    """Return `prefill` with the values that `parameters` take; the others become `left_out`."""
    known = {parameter.key: parameter for parameter in parameters}
    values, left_out = {}, []
    for key, text in prefill.values.items():
        # MLflow writes what Python calls None.
        said = "null" if text == "None" and key in known and known[key].type == "null" else text
        reason = _refusal(known.get(key), said)
        if reason:
            left_out.append(LeftOut(key, text, reason))
        else:
            values[key] = said
    return replace(prefill, values=values, left_out=tuple(left_out))


def _refusal(parameter: Parameter | None, text: str) -> str:
    if parameter is None:
        return _("is no parameter of this commit")
    if parameter.locked and text == value_text(parameter.default):
        return ""
    try:
        validate_overrides([parameter], {parameter.key: text})
    except ParameterErrors as error:
        return sentences.translated(error.errors[parameter.key])
    return ""


def _first(tags: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(tags[name])[:250] for name in names if tags.get(name)), "")


def _of_job(job: Job) -> Prefill:
    payload = _mapping(job.payload)
    overrides = _mapping(payload.get("overrides"))
    return Prefill(
        values={str(key): value_text(value) for key, value in overrides.items()},
        ref=str(payload.get("ref") or ""),
        sha=str(payload.get("sha") or ""),
        is_exact=True,
        job=job,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
