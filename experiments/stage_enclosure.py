"""What the programs of a job are kept away from, where the host offers it: see `integrations.enclosure`.

A stage sees the interpreter, the system and its own workspace. Covered are the data folder with the keys, the
database, mirrors, the cache and other jobs; the keys where they lie elsewhere; what the user of the worker
keeps about other hosts; temporary folders and sockets of other programs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from integrations import enclosure
from integrations.enclosure import Enclosure

_OF_THE_USER = (
    *(".ssh", ".aws", ".azure", ".config", ".kube", ".docker", ".gnupg", ".netrc", ".pypirc", ".pgpass"),
    *(".git-credentials", ".databrickscfg", ".mlflow", ".huggingface"),
)
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - covered, not used


def for_stages(workspace: Path, *, network: bool) -> Enclosure:
    """Return what stages of the job in `workspace` are kept away from."""
    return enclosure.covering(
        [*_secrets(), *map(Path, _SHARED), Path("/run")],
        kept=[workspace],
        readable=_programs(),
        network=network,
    )


def for_transfers(workspace: Path, remotes: Iterable[Path]) -> Enclosure:
    """Return what a transfer of data is kept away from: it reaches other hosts, and `remotes` of this one."""
    return enclosure.covering(
        [*_secrets(), Path("/run/secrets")],
        kept=[workspace],
        readable=[*_programs(), *remotes],
        network=True,
    )


def private_folders() -> list[Path]:
    """Return the folders of the installation that no repository has any business in."""
    data = Path(settings.DATA_DIR)
    return [data / name for name in ("dvc-cache", "jobs", "mirrors", "mlflow", "checkpoints", "run", "logs")]


def is_private(folder: Path) -> bool:
    """Whether a folder that a repository names is one of those, in one, or around one."""
    wanted = folder.resolve()
    ours = [one.resolve() for one in private_folders()]
    return any(wanted.is_relative_to(one) or one.is_relative_to(wanted) for one in ours)


def _secrets() -> list[Path]:
    home = Path.home()
    database = settings.DATABASES["default"]
    found = [
        Path(settings.DATA_DIR),
        Path(settings.CHECKPOINT_DIR),
        Path(settings.CHECKPOINT_KEY),
        Path(settings.BASE_DIR) / ".env",
        *(home / name for name in _OF_THE_USER),
    ]
    if database["ENGINE"].endswith("sqlite3"):
        found += [Path(f"{database['NAME']}{suffix}") for suffix in ("", "-wal", "-shm")]
    return found


def _programs() -> list[Path]:
    return [Path(sys.prefix), Path(sys.base_prefix), Path(enclosure.__file__).parent]
