"""Where imported data comes from: an address, a revision, and the connected repository of that address."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from experiments.models import Repository
from lineage.models import PipelineStage, StageFile

_MOST = 1_000


@dataclass(frozen=True)
class Source:
    """What `dvc import` or `dvc import-url` names.

    :ivar url: of a repository, or of the data themselves
    :ivar path: in that repository; empty: `url` is of the data
    :ivar rev: the commit that was imported, else the revision that was asked for
    :ivar repository: name of the connected repository with that address; empty: none is
    """

    url: str
    path: str = ""
    rev: str = ""
    repository: str = ""

    def __str__(self) -> str:
        return f"{self.url} @ {self.rev}" if self.rev else self.url


def of(hashes: Collection[str]) -> dict[str, Source]:
    """Return where imported data comes from, by hash; of several places the first known. Two queries."""
    if not hashes:
        return {}
    rows = StageFile.objects.filter(
        role=StageFile.Role.INPUT,
        stage__kind=PipelineStage.Kind.IMPORT,
        stage__files__hash__in=hashes,
        stage__files__role=StageFile.Role.OUTPUT,
    ).order_by("stage__first_at", "pk")
    told: dict[str, tuple[str, dict[str, str]]] = {}
    for value, path, source in rows.values_list("stage__files__hash", "path", "source")[:_MOST]:
        told.setdefault(value, (path, source))
    names = _connected() if any(source.get("url") for _, source in told.values()) else {}
    return {value: _source(path, source, names) for value, (path, source) in told.items()}


def _source(path: str, source: dict[str, str], names: dict[str, str]) -> Source:
    url = source.get("url", "")
    if not url:
        return Source(_public(path))
    rev = source.get("rev_lock") or source.get("rev", "")
    return Source(_public(url), path, rev, names.get(_same(url), ""))


def _connected() -> dict[str, str]:
    rows: Iterable[tuple[str, str]] = Repository.objects.order_by("-pk").values_list("url", "name")
    return {_same(url): name for url, name in rows}


def _public(url: str) -> str:
    """Return an address without what signs in there."""
    head, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _same(url: str) -> str:
    """Return what addresses of one repository have in common, whatever the protocol."""
    head, colon, tail = url.partition(":")
    if colon and "//" not in url and "/" not in head:  # git@host:owner/name
        url = f"ssh://{head}/{tail}"
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    path = (parts.path if host else url).rstrip("/").removesuffix(".git")
    return f"{host}{path}"
