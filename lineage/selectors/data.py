"""Data sets and outputs of a repository, and their versions over time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, QuerySet

from experiments.models import Repository
from lineage.models import DataVersion, HistoryState
from lineage.reach import NOTHING

PAGE_SIZE = 50
MAX_NAMES = 20


@dataclass(frozen=True)
class DataRow:
    """A path with its newest version, and how many there are."""

    newest: DataVersion
    versions: int


@dataclass(frozen=True)
class OtherName:
    """Another path at which content of this one was or is seen, with one version that both have."""

    path: str
    version: DataVersion


def state_of(repository: Repository) -> HistoryState | None:
    """Return how far the index is; None before its first pass. One query."""
    return HistoryState.objects.filter(repository=repository).first()


def found(repository: Repository, text: str = "", kind: str = "") -> QuerySet[DataVersion]:
    """Return the versions of the data whose path or hash has `text` in it."""
    rows = repository.data_versions.all()
    if text:
        rows = rows.filter(path__icontains=text) | rows.filter(hash__startswith=text)
    return rows.filter(kind=kind) if kind else rows


def page_of(rows: QuerySet[DataVersion], number: str | None) -> "Page[DataRow]":
    """Return one page of the paths of `rows`, each with its newest version. Three queries."""
    grouped = rows.order_by("path").values("path").annotate(versions=Count("pk"), newest=Max("pk"))
    paginator: Paginator[Any] = Paginator(grouped, PAGE_SIZE)
    page = paginator.get_page(number)
    groups = list(page.object_list)
    newest = rows.model.objects.in_bulk([group["newest"] for group in groups])
    listed = [DataRow(newest[group["newest"]], group["versions"]) for group in groups]
    return Page(listed, page.number, paginator)


def versions_page(repository: Repository, path: str, number: str | None) -> "Page[DataVersion]":
    """Return one page of the versions of the data at `path`, the newest first. Two queries."""
    return Paginator(versions_of(repository, path), PAGE_SIZE).get_page(number)


def versions_of(repository: Repository, path: str) -> QuerySet[DataVersion]:
    """Return the versions of the data at `path`, the newest first, as the history has them."""
    return repository.data_versions.filter(path=path).select_related("repository").order_by("-pk")


def other_names(repository: Repository, path: str) -> list[OtherName]:
    """Return the other paths of the repository that have had content of `path`: it was moved, or copied.

    One query. At most `MAX_NAMES`.
    """
    hashes = repository.data_versions.filter(path=path).exclude(hash__in=NOTHING).values("hash")
    rows = repository.data_versions.filter(hash__in=hashes).exclude(path=path).order_by("path", "pk")
    firsts: dict[str, DataVersion] = {}
    for row in rows.select_related("repository")[: MAX_NAMES * 10]:
        firsts.setdefault(row.path, row)
    return [OtherName(name, row) for name, row in list(firsts.items())[:MAX_NAMES]]


def before(version: DataVersion) -> DataVersion | None:
    """Return the version of the same path that the history had before. One query."""
    rows = DataVersion.objects.filter(repository=version.repository_id, path=version.path, pk__lt=version.pk)
    return rows.select_related("repository").order_by("-pk").first()


def same_content(version: DataVersion, others: Iterable[str] = ()) -> QuerySet[DataVersion]:
    """Return the other places, of any repository, that have had the content of `version`, the first first."""
    rows = DataVersion.objects.filter(hash=version.hash).exclude(pk=version.pk).exclude(hash__in=NOTHING)
    return rows.exclude(path__in=list(others)).select_related("repository").order_by("first_at", "pk")
