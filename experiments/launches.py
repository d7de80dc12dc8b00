"""Operation: launch a pipeline run. Everything is checked against our own tables; Git is not touched.

What a person gives (a ref, parameter values) is resolved to an exact commit and typed values here, before
anything is written. The job then works with these alone, so nothing that a person typed reaches Git, DVC or a
shell.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import chain
from experiments import job_permissions, job_priority, jobs, parameters, repositories, sentences
from experiments.models import Commit, Job, Priority, Ref, Repository
from experiments.parameter_values import Value, identical
from experiments.parameters import ParameterErrors, ParametersFileError

MAX_NOTE = 300
MAX_REF = 250
_SHA = re.compile(r"[0-9a-f]{4,40}")
_REGISTER_FIELDS = {"model": 200, "version": 128, "reason": 2000}


class Target(NamedTuple):
    """A commit, and by which name it was asked for: ``kind`` is branch, tag or commit."""

    commit: Commit
    ref: str
    kind: str


def launch(
    repository: Repository,
    *,
    ref: str,
    overrides: Mapping[str, object],
    user: User,
    note: str = "",
    register_as: Mapping[str, str] | None = None,
    key: str | None = None,
    priority: Priority = Priority.NORMAL,
) -> Job:
    """Submit a job of kind `pipeline`.

    :param ref: branch, tag or (shortened) hash of a commit; empty: the repository's default
    :param overrides: dotted parameter -> typed value, or text as forms send it; values that the commit has
        anyway are no overrides
    :param note: one line that says what the run is for
    :param register_as: register the result: ``model`` and, if wanted, ``version`` and ``reason``
    :param priority: which of the jobs that wait it is to be
    :param key: makes the launch idempotent, see `jobs.submit`
    :raises PermissionDenied: `user` may not start jobs, or not with this priority, or not register versions
        if that is asked for
    :raises ValidationError: by field: ``ref``, ``note``, ``register_as``, ``params.<dotted parameter>``
    """
    access.require(user, Permission.JOB_SUBMIT, target=repositories.target(repository))
    job_priority.require(user, priority, target=repositories.target(repository))
    if register_as is not None:
        aim = repositories.target(repository)
        job_permissions.require(user, Permission.VERSION_REGISTER, register_as, target=aim)
    target = resolve(repository, ref)
    typed = typed_overrides(target.commit, overrides)
    payload: dict[str, Any] = {
        "repository": repository.name,
        "sha": target.commit.sha,
        "ref": target.ref,
        "ref_kind": target.kind,
        "overrides": typed,
        "note": _note(note),
    }
    if register_as is not None:
        payload["register_as"] = _registration(register_as)
    return jobs.submit("pipeline", payload, user=user, repository=repository, key=key, priority=priority)


def resolve(repository: Repository, ref: str) -> Target:
    """Return the commit that `ref` names, as of the last fetch: a branch, else a tag, else a hash.

    :raises ValidationError: by field ``ref``: nothing or several commits have this name, or the repository
        has not been fetched yet
    """
    ref = ref.strip() or repository.default_ref
    if repository.fetched_at is None:
        raise _refused(_("This repository has not been fetched yet."))
    if len(ref) > MAX_REF or not ref.isprintable():
        raise _refused(_("This is not a name of a branch, tag or commit."))
    found = repository.refs.filter(name=ref).select_related("commit").order_by("kind").first()
    if found is not None:
        return Target(found.commit, ref, Ref.Kind(found.kind).value)
    if not _SHA.fullmatch(ref.lower()):
        raise _refused(_("There is no branch, tag or commit of this name here. Fetching may bring it."))
    commits = list(repository.commits.filter(sha__startswith=ref.lower())[:2])
    if len(commits) > 1:
        raise _refused(_("Several commits begin like this; give more digits."))
    if not commits:
        raise _refused(
            _(
                "No commit that is known here begins like this. Known are branches, tags, results and the "
                "newest commits of the default branch."
            )
        )
    return Target(commits[0], commits[0].sha, "commit")


def parameters_of(commit: Commit) -> list[parameters.Parameter]:
    """Return the parameters that a run of `commit` may change, in the order of its file.

    :raises ValidationError: by field ``ref``: there is no pipeline, or its files cannot be read
    """
    if commit.problem:
        raise _refused(sentences.translated(commit.problem))
    if not commit.pipeline.get("stages"):
        raise _refused(_("This commit has no pipeline: there is no dvc.yaml with stages."))
    try:
        return parameters.read_parameters(commit.params_text)
    except ParametersFileError as error:
        raise _refused(sentences.translated(str(error))) from None


def typed_overrides(commit: Commit, raw: Mapping[str, object]) -> dict[str, Value]:
    """Return those of `raw` that differ from what the commit has, typed and checked.

    :raises ValidationError: by field ``params.<dotted parameter>``, every fault at once
    """
    known = parameters_of(commit)
    try:
        values = parameters.validate_overrides(known, raw)
    except ParameterErrors as error:
        raise ValidationError(
            {f"params.{name[:200]}": sentences.translated(message) for name, message in error.errors.items()}
        ) from None
    defaults = {parameter.key: parameter.default for parameter in known}
    typed = {name: value for name, value in values.items() if not identical(value, defaults[name])}
    for name, value in typed.items():
        try:
            chain.canonical(value)
        except ValueError:
            # Beyond 2**53 neighbouring integers are one number to JSON, in the trail as elsewhere.
            raise ValidationError({f"params.{name}": _("This number has too many digits.")}) from None
    return typed


def _note(note: str) -> str:
    note = " ".join(note.split())
    if len(note) > MAX_NOTE or not note.isprintable():
        raise ValidationError({"note": _("One line of at most %d characters, please.") % MAX_NOTE})
    return note


def _registration(asked: Mapping[str, str]) -> dict[str, str]:
    """Check the form of what is asked for; whether it fits is decided when the run is there."""
    if not asked.get("model") or not asked.keys() <= _REGISTER_FIELDS.keys():
        raise ValidationError({"register_as": _("Give model and, if wanted, version and reason.")})
    for name, value in asked.items():
        if not isinstance(value, str) or len(value) > _REGISTER_FIELDS[name] or "\0" in value:
            raise ValidationError({"register_as": _("%s must be a text, and not so long.") % name})
    return dict(asked)


def _refused(message: str) -> ValidationError:
    return ValidationError({"ref": message})
