"""Where what DVC keeps of a repository may lie: the cache of this host, the default remote. In a worker."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from experiments import repositories, stage_enclosure
from experiments.models import Repository
from experiments.stage_environment import cache_dir
from integrations.dvc_objects import Place, default_remote
from integrations.errors import IntegrationError
from integrations.git_repository import GitMirror

_CONFIG = ".dvc/config"
_CONFIG_BYTES = 100_000


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


def _remote(address: str) -> Place:
    parts = urlsplit(address)
    here = parts.scheme in ("", "file") and parts.path.startswith("/")
    refusal = ""
    if here and stage_enclosure.is_private(Path(parts.path)):
        refusal = "The DVC remote is a folder of this installation."
    return Place("remote", address, tuple(settings.PRIVATE_HOSTS), refusal)
