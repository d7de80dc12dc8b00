"""Operations: connect a repository, and have it fetched.

The web process never touches Git: both write rows and leave the work to a job of kind `fetch`
(`experiments.fetch_job`), which keeps the bare mirror and what we know of its commits (`commit_index`).
"""

import re
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import jobs
from experiments.job_states import JobState
from experiments.models import Job, Repository
from integrations.errors import IntegrationError
from integrations.git_commands import ALLOWED_PROTOCOLS
from integrations.git_urls import checked_url

# It names a folder, stands in addresses and in lineage ids (where ":" and "@" have a meaning).
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
# What stands in an address where a name could stand.
_RESERVED = frozenset({"connect"})
# A password, or a token in place of a user name. `ssh://git@host` and `git@host:path` are not secrets.
_CREDENTIALS = re.compile(r"https?://[^/]*@|\w+://[^/@]*:[^/@]*@")
_LONGEST = {"url": 1000, "default_ref": 250, "experiment_name": 250, "description": 500}


def connect(
    name: str,
    url: str,
    *,
    user: User,
    description: str = "",
    default_ref: str = "",
    experiment_name: str = "",
) -> Repository:
    """Allow the pipelines of a Git + DVC repository to be run here, and submit its first fetch.

    :param name: short and unique: lower-case letters, digits, ``-`` and ``_``
    :param url: ``https://``, ``ssh://`` or ``git://`` address, ``[user@]host:path``, or an absolute path of
        the workers' host; never with a password
    :param user: an administrator
    :param default_ref: branch or tag that a run starts from; empty: the repository's default branch
    :param experiment_name: MLflow experiment that gets the runs; empty: `name`
    :raises PermissionDenied: `user` may not connect repositories
    :raises ValidationError: a value is not allowed, by field
    """
    access.require(user, Permission.REPOSITORY_CONNECT, target=_target(name, ""))
    repository = Repository(
        name=name.strip(),
        url=url.strip(),
        description=description.strip(),
        default_ref=default_ref.strip(),
        experiment_name=experiment_name.strip() or name.strip(),
        created_by=user.username,
    )
    _check(repository)
    try:
        with transaction.atomic():
            repository.save(force_insert=True)
            trail.record(
                Event.REPOSITORY_CONNECTED,
                actor=access.actor(user),
                target=target(repository),
                data={"url": repository.url, "experiment": repository.experiment_name},
            )
            jobs.submit("fetch", {"repository": repository.name}, user=user, repository=repository)
    except IntegrityError:
        raise ValidationError({"name": _("There is a repository of this name already.")}) from None
    return repository


def request_fetch(repository: Repository, *, user: User) -> Job:
    """Have branches, tags and commits brought up to date; a fetch that waits already is returned as it is.

    :raises PermissionDenied: `user` may not fetch repositories
    """
    access.require(user, Permission.REPOSITORY_FETCH, target=target(repository))
    waiting = repository.jobs.filter(kind="fetch", state=JobState.QUEUED).first()
    if waiting is not None:
        return waiting
    return jobs.submit("fetch", {"repository": repository.name}, user=user, repository=repository)


def mirror_path(repository: Repository) -> Path:
    """Return where the managed bare mirror of the repository is, or will be."""
    return Path(settings.DATA_DIR) / "mirrors" / f"{repository.name}.git"


def target(repository: Repository) -> trail.Target:
    """Return `repository` as the trail names it."""
    return _target(repository.name, str(repository.pk))


def _target(name: str, identifier: str) -> trail.Target:
    return trail.Target("repository", identifier or "new", name[:100] or "unnamed")


def _check(repository: Repository) -> None:
    errors: dict[str, str] = {}
    for field, limit in _LONGEST.items():
        if len(getattr(repository, field)) > limit:
            errors[field] = _("At most %(limit)s characters.") % {"limit": limit}
        elif not getattr(repository, field).isprintable():
            errors[field] = _("Control characters are not allowed.")
    if not _NAME.fullmatch(repository.name):
        errors["name"] = _("Use up to 100 lower-case letters, digits, - and _; begin with a letter or digit.")
    elif repository.name in _RESERVED:
        errors["name"] = _("This name is taken by a page of the product.")
    if repository.default_ref.startswith("-"):
        errors["default_ref"] = _("This is not the name of a branch or tag.")
    if "url" not in errors and (problem := _url_problem(repository.url)):
        errors["url"] = problem
    if errors:
        raise ValidationError(errors)


def _url_problem(url: str) -> str:
    if _CREDENTIALS.match(url):
        return _(
            "Leave user name and password out of the address. A private repository is read over ssh, with an "
            "SSH key or agent of the workers' user."
        )
    try:
        checked_url(url, ALLOWED_PROTOCOLS)
    except IntegrationError as error:
        return error.message
    return ""
