"""The run and the pipeline job behind a version, and the version that serves beside it.

Several facts of a promotion come from these rows. A page that needs all of them calls `hold` once; then every
reader gets the same rows without asking again. Operations hold nothing, so what they decide on is always what
the database says in their transaction.
"""

from dataclasses import dataclass

from experiments.models import Job, Run
from registry.models import ModelVersion
from registry.stages import Stage

_HELD = "_held_sources"
_RUN_COLUMNS = ("run_id", "name", "metrics", "user", "tags")
_JOB_COLUMNS = ("state", "attempt", "result", "submitted_by", "submitted_by_name")


@dataclass(frozen=True)
class _Held:
    runs: dict[str, Run]
    asked: frozenset[str]
    job: Job | None
    rival: ModelVersion | None


def hold(version: ModelVersion, *, rival: ModelVersion | None) -> None:
    """Read what is behind `version` once, for as long as this object lives. Two queries at most.

    :param rival: the version in Production that it is compared with
    """
    ids = _ids(version, rival)
    version.__dict__[_HELD] = _Held(_runs(ids), ids, _job(version), rival)


def runs_of(version: ModelVersion, rival: ModelVersion | None = None) -> dict[str, Run]:
    """Return run id -> mirrored run of `version`, and of `rival`. One query at most."""
    held, ids = _held(version), _ids(version, rival)
    return held.runs if held and ids <= held.asked else _runs(ids)


def job_of(version: ModelVersion) -> Job | None:
    """Return the job that ran the pipeline `version` comes from, however it ended. One query at most."""
    held = _held(version)
    return held.job if held else _job(version)


def rival_of(version: ModelVersion) -> ModelVersion | None:
    """Return the version in Production beside `version`, if there is one. One query at most."""
    held = _held(version)
    if held:
        return held.rival
    serving = ModelVersion.objects.filter(model=version.model_id, stage=Stage.PRODUCTION)
    return serving.exclude(pk=version.pk).defer("manifest", "facts").first()


def job_number(version: ModelVersion) -> int | None:
    """Return the number of the pipeline job that `version` names, if it names one."""
    text = str(version.lineage.get("stagegate.job", ""))
    # Nine digits fit into every database's integer.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _held(version: ModelVersion) -> _Held | None:
    found = version.__dict__.get(_HELD)
    return found if isinstance(found, _Held) else None


def _ids(version: ModelVersion, rival: ModelVersion | None) -> frozenset[str]:
    return frozenset({version.run_id} | ({rival.run_id} if rival else set()))


def _runs(ids: frozenset[str]) -> dict[str, Run]:
    return {run.run_id: run for run in Run.objects.filter(run_id__in=ids).only(*_RUN_COLUMNS).order_by()}


def _job(version: ModelVersion) -> Job | None:
    number = job_number(version)
    return Job.objects.filter(pk=number).only(*_JOB_COLUMNS).first() if number is not None else None
