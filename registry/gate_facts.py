"""What the gates of a promotion look at, read from our database; see `registry.gates`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from experiments.job_states import JobState
from experiments.metric_goals import goal
from experiments.models import Commit, Job, Run
from registry import card_sections, card_values, checks, version_sources
from registry.card_format import CardError
from registry.gates.gate import CardFacts, CheckFacts, Facts
from registry.metadata import CATEGORIES
from registry.models import CardRevision, CheckResult, ModelVersion
from registry.semver import MLModelVersion
from registry.stages import Stage
from registry.version_facts import metadata_of

_METRICS = CATEGORIES["metrics"].fields


def of(version: ModelVersion, to_stage: str, incumbent: ModelVersion | None) -> Facts:
    """Return the facts about promoting `version`, as they are now. Eight queries at most.

    :param version: the candidate
    :param to_stage: where it is to go
    :param incumbent: the version that would have to give way; None: the one in Production, if there is one,
        is only compared with
    """
    rival = incumbent or version_sources.rival_of(version)
    metrics, theirs = _metrics(version, rival)
    metadata = metadata_of(version)
    return Facts(
        version=version.version,
        to_stage=to_stage,
        is_candidate=MLModelVersion(version.version).is_prerelease,
        metrics=metrics,
        missing_metadata=_missing(metadata.missing() if metadata else None),
        incumbent=rival.version if rival else "",
        incumbent_metrics=theirs,
        goals={name: goal(name).value or "unknown" for name in sorted({*metrics, *theirs})},
        bump=version.bump,
        required_bump=version.required_bump,
        bump_reason=version.reason,
        card=_card(version),
        manifest_digest=version.manifest_digest,
        inspection=version.inspection,
        lineage=_lineage(version),
        checks={kind: _check(result) for kind, result in checks.newest(version).items()},
    )


def as_evidence(facts: Facts) -> dict[str, Any]:
    """Return `facts` as JSON that has a canonical form, without what says nothing about the version.

    Left out are the instants at which something was checked, so that the same result once more changes
    nothing, and, unless the version goes to Production, the version there: what a gate compared with it is
    in the result of the gate.
    """
    found = {name: _plain(value) for name, value in asdict(facts).items()}
    if facts.to_stage != Stage.PRODUCTION:
        found |= {"incumbent": "", "incumbent_metrics": {}}
    found["checks"] = {
        kind: {"passed": one.passed, "summary": one.summary, "manifest_digest": one.manifest_digest}
        for kind, one in sorted(facts.checks.items())
    }
    return found


def _metrics(version: ModelVersion, rival: ModelVersion | None) -> tuple[dict[str, float], dict[str, float]]:
    runs = version_sources.runs_of(version, rival)
    mine = _of_one(version, runs.get(version.run_id))
    return mine, _of_one(rival, runs.get(rival.run_id)) if rival else {}


def _of_one(version: ModelVersion, run: Run | None) -> dict[str, float]:
    """Return the metrics of the run, and over them those that the version was registered with."""
    of_run: Mapping[str, Any] = run.metrics if run else {}
    metadata = metadata_of(version)
    recorded = [name for name in _METRICS if metadata is not None and metadata.is_recorded(name)]
    found = {name: _number(value) for name, value in of_run.items()}
    return found | {name: _number(getattr(metadata, name)) for name in recorded}


def _number(value: Any) -> float:
    """Return a stored metric as a number; the mirror keeps what is not finite as text."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _missing(by_category: Mapping[str, Iterable[str]] | None) -> tuple[str, ...]:
    if by_category is None:  # unreadable metadata tell nothing
        return tuple(name for category in CATEGORIES.values() for name in category.required)
    return tuple(name for names in by_category.values() for name in names)


def _card(version: ModelVersion) -> CardFacts | None:
    newest = CardRevision.objects.filter(version=version).order_by("-number").first()
    if newest is None:
        return None
    return CardFacts(newest.number, newest.state, newest.digest, _lacking(newest.text, version))


def _lacking(text: str, version: ModelVersion) -> tuple[str, ...]:
    try:
        return card_sections.missing(text, card_values.of(version))
    except CardError as error:  # kept under rules that have become stricter since
        return (str(error),)


def _lineage(version: ModelVersion) -> dict[str, Any]:
    """Return where the version comes from, and which of it this installation can find. Two queries."""
    told = version.lineage
    metadata = metadata_of(version)
    recorded = metadata is not None and metadata.is_recorded("dataset_hash")
    commit = version.commit
    job = _pipeline_job(version)
    made_here = bool(job and commit and job.result.get("sha") == commit)
    repository = str(told.get("stagegate.repository", ""))
    known = made_here or _is_known(commit, repository)
    lock = told.get("dvc_lock_digest") or (job.result.get("lock_digest") if made_here and job else "")
    return {
        "data_hash": str(
            told.get("dataset_hash") or (metadata.dataset_hash if recorded and metadata else "")
        ),
        "commit": commit,
        "commit_known": known,
        "repository": repository,
        "dvc_lock_digest": str(lock or ""),
    }


def _pipeline_job(version: ModelVersion) -> Job | None:
    job = version_sources.job_of(version)
    return job if job and job.state == JobState.SUCCEEDED else None


def _is_known(commit: str, repository: str) -> bool:
    """Whether a repository that was fetched here has the commit; of the named one, where one is named."""
    commits = Commit.objects.filter(sha=commit[:64])
    return (commits.filter(repository__name=repository) if repository else commits).exists()


def _check(result: CheckResult) -> CheckFacts:
    return CheckFacts(result.passed, result.summary, result.manifest_digest, result.at, result.details)


def _plain(value: Any) -> Any:
    """Return `value` as canonical JSON can have it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
