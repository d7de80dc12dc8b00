"""Rules: what in the DVC files of a repository would have DVC read files of this host, or run programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from integrations.errors import IntegrationError
from integrations.git_urls import checked_url
from lineage.rebuilt import NotRebuiltError, Verdict

# Whatever else a repository sets for a remote could make DVC read files of this host, or run programs.
_REMOTE_OPTIONS = frozenset(
    {
        *("url", "endpointurl", "region", "version_aware", "worktree", "verify", "jobs", "type"),
        *("read_timeout", "connect_timeout", "timeout", "use_ssl", "ssl_verify", "listobjects"),
        *("allow_anonymous_login", "account_name", "container_name", "projectname", "bucket"),
    }
)
_SCHEMES = frozenset(
    {
        *("http", "https", "s3", "gs", "gcs", "azure", "oss", "gdrive", "ssh", "hdfs", "webhdfs"),
        *("webdav", "webdavs", "remote"),
    }
)
_PROTOCOLS = frozenset({"https", "http", "ssh", "git"})
# `db` connects to a data base; `fs_config`, and `config` and `remote` of `repo`, set options of any kind.
_SOURCE_KEYS = frozenset(
    {
        *("path", "md5", "hash", "size", "nfiles", "files", "isexec", "etag", "checksum", "version_id"),
        *("cloud", "persist", "repo"),
    }
)
_OUTPUT_KEYS = _SOURCE_KEYS - {"repo"} | {
    *("cache", "push", "remote", "metric", "plot", "desc", "type", "labels", "meta"),
}
_REPOSITORY_KEYS = frozenset({"url", "rev", "rev_lock"})


def remotes(listing: str, folder: Path) -> dict[str, str]:
    """Return name -> address of the remotes; one of this host is an absolute path.

    :param listing: what ``dvc config --list`` says
    :param folder: the one of the configuration, to which paths are relative
    :raises NotRebuiltError: one is of a kind, or has an option, that nobody vouches for
    """
    found: dict[str, str] = {}
    for line in listing.splitlines():
        key, _equals, value = line.partition("=")
        section, _dot, rest = key.strip().partition(".")
        name, _dot, option = rest.rpartition(".")
        if section != "remote" or not name:
            continue
        if option not in _REMOTE_OPTIONS:
            text = f"The DVC remote {name} sets {option}, which a reproduction does not accept."
            raise NotRebuiltError(Verdict.MISSING_DATA, text)
        if option == "url":
            found[name] = _remote(name, value, folder)
    return found


def check_source(target: str, content: Mapping[Any, Any]) -> bool:
    """Refuse a ``.dvc`` file whose data come from this host, or by more than an address.

    :return: whether another repository is cloned for them, whose configuration DVC then follows
    :raises NotRebuiltError: it does so
    """
    for output in _entries(content, "outs"):
        _only(target, "outs", output, _OUTPUT_KEYS)
    sources = _entries(content, "deps")
    for source in sources:
        _only(target, "deps", source, _SOURCE_KEYS)
        if "repo" in source:
            _check_repository(target, source["repo"])
        else:
            _check_address(target, str(source.get("path") or ""))
    return any("repo" in source for source in sources)


def _remote(name: str, value: str, folder: Path) -> str:
    scheme = urlsplit(value).scheme if "://" in value else ""
    if scheme and scheme not in _SCHEMES:
        text = f"The DVC remote {name} is reached over {scheme}, which a reproduction does not accept."
        raise NotRebuiltError(Verdict.MISSING_DATA, text)
    return value if scheme else str((folder / value).resolve())


def _entries(content: Mapping[Any, Any], kind: str) -> list[Mapping[Any, Any]]:
    entries = content.get(kind)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _check_repository(target: str, repository: Any) -> None:
    repository = repository if isinstance(repository, dict) else {}
    _only(target, "repo", repository, _REPOSITORY_KEYS)
    try:
        checked_url(str(repository.get("url") or ""), _PROTOCOLS)
    except IntegrationError:
        raise NotRebuiltError(Verdict.MISSING_DATA, _of_this_host(target)) from None


def _check_address(target: str, address: str) -> None:
    if "://" not in address or urlsplit(address).scheme not in _SCHEMES:
        raise NotRebuiltError(Verdict.MISSING_DATA, _of_this_host(target))


def _of_this_host(target: str) -> str:
    return f"{target} is an import from a path of this host, which a reproduction does not read."


def _only(target: str, place: str, entry: Iterable[Any], known: frozenset[str]) -> None:
    unknown = sorted(str(key) for key in entry if key not in known)
    if unknown:
        text = f"{target} sets {unknown[0]} in {place}, which a reproduction does not accept."
        raise NotRebuiltError(Verdict.MISSING_DATA, text)
