"""Preparing a fresh clone for DVC: the shared cache, its own index, and the remote to push to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from integrations.errors import IntegrationError

REMOTE_NAME = "stagegate"
# Hard and symbolic links would let a stage that writes into an input, or an output that "persist" keeps,
# write into the cache that all jobs share: read-only permissions do not stop root or a chmod, and DVC hands
# changed cache files out without an error. A reflink shares blocks but not writes; where the file system
# has none, DVC copies.
SAFE_CACHE_TYPES = ("reflink", "copy")
CACHE_TYPES = frozenset({"reflink", "hardlink", "symlink", "copy"})


def configure_clone(
    path: Path,
    *,
    cache_dir: Path,
    site_cache_dir: Path,
    remote_url: str | None = None,
    remote_options: Mapping[str, str] | None = None,
    cache_types: Sequence[str] = SAFE_CACHE_TYPES,
) -> None:
    """Write ``.dvc/config.local`` of a clone, which beats what the repository's own configuration says.

    Parameters
    ----------
    path:
        Directory that holds ``.dvc``.
    cache_dir, site_cache_dir:
        The shared cache, and DVC's private index of this clone; made if missing.
    remote_url, remote_options:
        Where ``dvc push`` and ``pull`` go by default (an absolute path or a URL) and options of that remote,
        such as ``endpointurl``. Credentials belong in the environment instead: stages can read this file.
    cache_types:
        How files get from the cache into the clone, in order of preference. The default is safe with stages
        that write into their inputs; links save space where every stage can be trusted.

    Permanent ``IntegrationError`` if the clone is no DVC repository, if a link leads out of it, or for values
    that the file cannot hold.
    """
    directory = path / ".dvc"
    target = directory / "config.local"
    if directory.is_symlink() or not directory.is_dir():
        raise IntegrationError(f"{path.name} is not a DVC repository.", permanent=True)
    if target.is_symlink() or target.is_dir():
        raise IntegrationError("The repository brings its own .dvc/config.local.", permanent=True)
    if not cache_types or set(cache_types) - CACHE_TYPES:
        raise IntegrationError(f"Unknown kinds of cache links: {', '.join(cache_types)}.", permanent=True)
    sections: dict[str, dict[str, str]] = {
        "core": {
            "analytics": "false",
            "check_update": "false",
            "autostage": "false",
            "interactive": "false",
            "hardlink_lock": "false",
            "site_cache_dir": _directory(site_cache_dir),
        },
        "cache": {
            "dir": _directory(cache_dir),
            "type": ",".join(cache_types),
            "slow_link_warning": "false",
        },
        "exp": {"auto_push": "false"},
    }
    if remote_url is not None:
        if "://" not in remote_url and not os.path.isabs(remote_url):  # noqa: PTH117 - it may be no path at all
            raise IntegrationError("A DVC remote is an absolute path or a URL.", permanent=True)
        sections["core"]["remote"] = REMOTE_NAME
        sections[f'remote "{REMOTE_NAME}"'] = {"url": remote_url, **(remote_options or {})}
    target.write_text("".join(_section(name, values) for name, values in sections.items()), encoding="utf-8")
    _keep_out_of_git(directory)


def _directory(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    return str(path.absolute())


def _section(name: str, values: Mapping[str, str]) -> str:
    heading = f"['{name}']" if '"' in name else f"[{name}]"
    return "\n".join((heading, *(f"    {key} = {_quoted(key, value)}" for key, value in values.items()), ""))


def _quoted(key: str, value: str) -> str:
    """Return a value in the syntax of ConfigObj, which knows no escapes and interpolates ``%(...)s``."""
    if not value.isprintable() or "%(" in value or ('"' in value and "'" in value) or not key.isidentifier():
        raise IntegrationError(f"DVC's configuration cannot hold this value of {key!r}.", permanent=True)
    if key == "type":
        return value  # a list: quotes would make it one word
    return f"'{value}'" if '"' in value else f'"{value}"'


def _keep_out_of_git(directory: Path) -> None:
    """Make Git ignore the file and DVC's temporary files, also if the repository forgot to."""
    exclude = directory.parent / ".git" / "info" / "exclude"
    if exclude.parent.parent.is_dir() and not exclude.is_symlink():
        exclude.parent.mkdir(exist_ok=True)
        with exclude.open("a", encoding="utf-8") as file:
            file.write("/.dvc/config.local\n/.dvc/tmp/\n")
