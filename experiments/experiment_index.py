"""What we know of the experiments that people made with DVC themselves. Runs in a worker, behind a fetch.

They are read again only when their refs have changed. Whatever is wrong with them never stops a fetch: it
becomes the problem of the experiment, or of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db import transaction

from experiments import commit_index, pipeline_facts, repositories
from experiments.job_context import JobContext
from experiments.models import DvcExperiment, Ref, Repository
from experiments.pipeline_clone import PipelineClone
from experiments.stored_text import text
from integrations import dvc_experiment_list
from integrations.dvc_experiment_list import ExperimentRef, ListedExperiment
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror

_MAX_BASES = 50


def index(context: JobContext, repository: Repository) -> str:
    """Bring our rows of a repository's experiments up to date; return what a person should know.

    Idempotent; what is wrong with all of them is also kept in `Repository.experiments_error`.
    """
    mirror = GitMirror(repositories.mirror_path(repository))
    try:
        refs, total = dvc_experiment_list.fetch_refs(mirror, context.should_stop)
        refs = _bounded(refs)
        digest = _digest(refs)
        if digest != repository.experiments_digest:
            _write(repository, _read(context, mirror, refs), _bases(mirror, repository, refs))
            Repository.objects.filter(pk=repository.pk).update(experiments_digest=digest)
    except IntegrationError as error:
        context.check()  # it may have failed because it was told to stop
        told = text(error.message, 1000)
        Repository.objects.filter(pk=repository.pk).update(experiments_error=told, experiments_digest="")
        return f"The experiments of DVC cannot be read: {error.message}"
    Repository.objects.filter(pk=repository.pk).update(experiments_error="")
    return f"{len(refs)} of {total} experiments of DVC are read" if total > len(refs) else ""


def _bounded(refs: Sequence[ExperimentRef]) -> list[ExperimentRef]:
    """Return the experiments of the commits that were experimented with last."""
    bases = list(dict.fromkeys(one.base for one in refs))[:_MAX_BASES]
    return [one for one in refs if one.base in bases]


def _digest(refs: Sequence[ExperimentRef]) -> str:
    if not refs:
        return ""
    lines = sorted(f"{one.ref} {one.sha}" for one in refs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(context: JobContext, mirror: GitMirror, refs: Sequence[ExperimentRef]) -> list[ListedExperiment]:
    """Let DVC read them, in a clone at the commit that was experimented with last."""
    known = [one for one in refs if mirror.exists(one.base)]
    if not known:
        return [ListedExperiment(one, {}, {}, "Its commit is not here.") for one in refs]
    clone = PipelineClone(context)
    clone.make(mirror, known[0].base)
    dvc_experiment_list.bring(mirror, known, clone.path)
    found = dvc_experiment_list.read(clone.quiet_commands(), known)
    lost = [one for one in refs if one not in known]
    return [*found, *(ListedExperiment(one, {}, {}, "Its commit is not here.") for one in lost)]


def _bases(mirror: GitMirror, repository: Repository, refs: Sequence[ExperimentRef]) -> dict[str, str]:
    """Make the commits that the experiments started from known; return those at the tip of a ref."""
    for base in dict.fromkeys(one.base for one in refs):
        if mirror.exists(base):
            commit_index.add(mirror, repository, base)
    tips = Ref.objects.filter(repository=repository, kind=Ref.Kind.BRANCH).order_by("-name")
    return {sha: name for name, sha in tips.values_list("name", "commit__sha")}


@transaction.atomic
def _write(repository: Repository, found: Sequence[ListedExperiment], branches: dict[str, str]) -> None:
    DvcExperiment.objects.filter(repository=repository).delete()
    DvcExperiment.objects.bulk_create(
        DvcExperiment(
            repository=repository,
            name=text(one.ref.name, 250),
            sha=one.ref.sha,
            base_sha=one.ref.base,
            branch=branches.get(one.ref.base, ""),
            params=pipeline_facts.stored(one.params),
            metrics=pipeline_facts.stored(one.metrics),
            problem=text(one.problem, 1000),
            made_at=one.ref.made_at,
        )
        for one in found
    )
