"""Where what DVC keeps of a repository may lie: the cache of this host, the default remote. In a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from experiments import repositories, stage_enclosure
from experiments.models import Repository
from experiments.stage_environment import cache_dir
from integrations.dvc_objects import Place, default_remote
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror
from lineage import import_sources
from lineage.models import DataVersion

_CONFIG = ".dvc/config"
_CONFIG_BYTES = 100_000
_REMOTE = "remote"


def connected(name: str) -> Repository:
    """Return the repository called `name`.

    :raises IntegrationError: it is not connected any more
    """
    repository = Repository.objects.filter(name=name).first()
    if repository is None:
        raise IntegrationError("This repository is not connected any more.", permanent=True)
    return repository


def of_commit(repository: Repository, sha: str) -> list[Place]:
    """Return the places, the nearest first, with the remote as it is configured in a commit."""
    mirror = GitMirror(repositories.mirror_path(repository))
    config = mirror.read_file(sha, _CONFIG, max_bytes=_CONFIG_BYTES) or b""
    remote = default_remote(config.decode("utf-8", errors="replace"))
    places = [Place("cache", str(cache_dir()))]
    return [*places, _remote(remote)] if remote else places


def of_data(repository: Repository, data: DataVersion) -> list[Place]:
    """Return the places of a version of data; of imported data the remote of where it is from as well."""
    places = of_commit(repository, data.first_sha)
    source = import_sources.of([data.hash]).get(data.hash)
    if source is None or source.repository in ("", repository.name):
        return places
    try:
        there = of_commit(connected(source.repository), source.rev)
    except IntegrationError:  # it has not been fetched, or has not that commit
        return places
    remotes = [place for place in there if place.name == _REMOTE]
    return [*places, *(replace(place, name=f"remote of {source.repository}") for place in remotes)]


def _remote(address: str) -> Place:
    parts = urlsplit(address)
    here = parts.scheme in ("", "file") and parts.path.startswith("/")
    refusal = ""
    if here and stage_enclosure.is_private(Path(parts.path)):
        refusal = "The DVC remote is a folder of this installation."
    return Place(_REMOTE, address, tuple(settings.PRIVATE_HOSTS), refusal)
