"""What number a run should get as a version, why, and what else could be chosen. Reads, no writes."""

from collections.abc import Collection
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from experiments import sentences
from experiments.job_states import JobState
from experiments.models import Job, Run
from registry import bump, labels, run_lineage
from registry.bump import Bump, VersionFacts
from registry.models import ModelVersion
from registry.semver import MLModelVersion

#: The step that asks for a release candidate instead of a release.
CANDIDATE = "candidate"
#: Kinds of jobs that make a version, and the states in which they still may.
MAKERS = ("register", "finalise")
_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING, JobState.LOST)


@dataclass(frozen=True)
class Option:
    """One number that can be chosen.

    :ivar step: ``major``, ``minor``, ``patch`` or ``candidate``
    :ivar suffices: whether it moves as far as the differences ask for; else a reason is needed
    """

    step: str
    version: MLModelVersion
    suffices: bool


@dataclass(frozen=True)
class Proposal:
    """What the product suggests for a run.

    :ivar previous: the release it was compared with, if there is one
    :ivar required: bump that the differences ask for; empty for the first version
    :ivar reasons: the differences in words
    :ivar unknown: what could not be compared, in words
    :ivar options: what can be chosen instead, the strongest step first
    """

    version: MLModelVersion
    previous: MLModelVersion | None
    required: str
    reasons: tuple[str, ...]
    unknown: tuple[str, ...]
    options: tuple[Option, ...] = ()

    def suffices(self, chosen: MLModelVersion) -> bool:
        """Say whether `chosen` moves as far as the differences ask for."""
        needed = Bump.parse(self.required) if self.required else None
        return bump.suffices(needed, self.previous, chosen)

    def bump_of(self, chosen: MLModelVersion) -> str:
        """Return how far `chosen` moves: ``major``, ``minor``, ``patch``, or empty."""
        actual = bump.bump_between(self.previous, chosen) if self.previous else None
        return actual.word if actual else ""


def propose(run: Run, model_name: str) -> Proposal:
    """Return the version that `run` should get as a version of `model_name`. Two queries.

    What another run is about to become counts as if it were there. What this one is about to become does not,
    so that asking again leads to the same job.
    """
    rows = ModelVersion.objects.filter(model__name=model_name).values_list("version", "facts")
    existing = {MLModelVersion(version): told for version, told in rows}
    for job in _makers(model_name, run):
        existing.setdefault(MLModelVersion(job.payload["version"]), job.payload["facts"])
    previous = bump.baseline(existing)
    before = VersionFacts(**existing[previous]) if previous else VersionFacts()
    found = bump.propose(previous, before, facts(run), taken=existing.keys())
    required = found.bump.word if found.bump else ""
    options = _options(previous, found, existing.keys())
    return Proposal(found.version, previous, required, found.reasons, found.unknown, options)


def choose(proposal: Proposal, *, version: str = "", step: str = "") -> MLModelVersion:
    """Return the number that was chosen; without a choice the proposed one.

    :param version: a number of one's own
    :param step: instead of it: major, minor or patch from the latest release, or ``candidate``
    :raises ValidationError: under `version` or `bump`: both, or something unusable
    """
    if not step:
        return _own(version, proposal) if version.strip() else proposal.version
    if version.strip():
        raise ValidationError({"bump": _("Give either a version or a bump.")})
    if step == CANDIDATE:
        return next(option.version for option in proposal.options if option.step == CANDIDATE)
    if proposal.previous is None:
        raise ValidationError({"bump": _("There is no release yet from which a bump could be counted.")})
    try:
        return Bump.parse(step).apply(proposal.previous)
    except ValueError as error:
        raise ValidationError({"bump": sentences.translated(str(error))}) from error


def check_free(run: Run, model_name: str, chosen: MLModelVersion) -> None:
    """Refuse a number that exists, or that another run is about to get. Two queries.

    :param run: whose number it is to be
    :raises ValidationError: under `version`
    """
    if ModelVersion.objects.filter(model__name=model_name, version=str(chosen)).exists():
        text = _("%(model)s %(version)s exists already.") % {"model": model_name, "version": chosen}
        raise ValidationError({"version": text})
    job = maker_of(model_name, chosen, but=run)
    if job is not None:
        text = _("Job #%(id)s of %(name)s is registering another run as %(version)s.")
        told = {"id": job.pk, "name": job.submitted_by_name, "version": chosen}
        raise ValidationError({"version": text % told})


def maker_of(model_name: str, chosen: MLModelVersion, *, but: Run | None = None) -> Job | None:
    """Return the job that is about to make the version `chosen`, unless it makes it from the run `but`."""
    makers = _makers(model_name, but)
    return next((job for job in makers if job.payload["version"] == str(chosen)), None)


def check_reason(proposal: Proposal, chosen: MLModelVersion, reason: str, *, limit: int) -> None:
    """Refuse a number that moves less far than the differences ask for, unless somebody says why.

    :raises ValidationError: under `reason`
    """
    if len(reason) > limit:
        raise ValidationError({"reason": _("At most %d characters, please.") % limit})
    if not proposal.suffices(chosen) and not reason.strip():
        text = _("%(version)s moves less far than the changes ask for (%(required)s). Say why.")
        required = labels.bump(proposal.required)
        raise ValidationError({"reason": text % {"version": chosen, "required": required}})


def facts(run: Run) -> VersionFacts:
    """Return what is compared of `run`, from its parameters and tags in the mirror."""
    tags = run.tags
    data_hash = tags.get("dataset_hash", "")
    data = {tags.get("dataset_name") or "data": data_hash} if data_hash else run_lineage.data_sets(run)
    return VersionFacts(
        architecture=tags.get("model_architecture", ""),
        input_schema=tags.get("input_schema") or None,
        output_schema=tags.get("output_schema") or None,
        datasets=data or None,
        params=dict(run.params),
        commit=tags.get("git_commit") or tags.get("mlflow.source.git.commit", ""),
    )


def _options(
    previous: MLModelVersion | None, found: bump.Proposal, taken: Collection[MLModelVersion]
) -> tuple[Option, ...]:
    steps = []
    if previous is not None:
        for step in (Bump.MAJOR, Bump.MINOR, Bump.PATCH):
            version = found.version if step is found.bump else step.apply(previous)
            if version == found.version or version not in taken:
                steps.append(Option(step.word, version, bump.suffices(found.bump, previous, version)))
    following = bump.candidate(previous, found.bump, taken)
    return (*steps, Option(CANDIDATE, following, suffices=True))


def _own(version: str, proposal: Proposal) -> MLModelVersion:
    try:
        return MLModelVersion(version.strip())
    except ValueError as error:
        raise ValidationError({"version": sentences.translated(str(error))}) from error


def _makers(model_name: str, run: Run | None) -> list[Job]:
    """Return the jobs that are about to make a version of the model from another run than `run`."""
    jobs = Job.objects.filter(kind__in=MAKERS, state__in=_UNDER_WAY, payload__model=model_name)
    found = jobs.only("pk", "key", "payload", "submitted_by_name").order_by("pk")
    return [job for job in found if run is None or job.payload.get("run_id") != run.run_id]
