"""Data sets and outputs of a repository, and their versions over time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber

from experiments.models import Repository
from lineage.models import DataVersion, HistoryCommit, HistoryState, StageFile
from lineage.reach import NOTHING

PAGE_SIZE = 50
MAX_NAMES = 20


@dataclass(frozen=True)
class DataRow:
    """A path with the version that the default branch has, else the newest, and how many there are."""

    newest: DataVersion
    versions: int
    is_current: bool


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


def page_of(rows: QuerySet[DataVersion], tip: HistoryCommit | None, number: str | None) -> "Page[DataRow]":
    """Return one page of the paths of `rows`, each with its current or newest version. Four queries.

    :param tip: the newest commit of the default branch
    """
    grouped = rows.order_by("path").values("path").annotate(versions=Count("pk"))
    paginator: Paginator[Any] = Paginator(grouped, PAGE_SIZE)
    page = paginator.get_page(number)
    groups = list(page.object_list)
    paths = [group["path"] for group in groups]
    current = _current(paths, tip)
    shown = _newest(rows, paths) | current
    listed = [DataRow(shown[group["path"]], group["versions"], group["path"] in current) for group in groups]
    return Page(listed, page.number, paginator)


def _newest(rows: QuerySet[DataVersion], paths: Collection[str]) -> dict[str, DataVersion]:
    """Return the newest of `rows` at each path. One query."""
    order = [F("first_at").desc(), F("pk").desc()]
    place = Window(RowNumber(), partition_by=[F("path")], order_by=order)
    return {row.path: row for row in rows.filter(path__in=paths).alias(place=place).filter(place=1)}


def _current(paths: Collection[str], tip: HistoryCommit | None) -> dict[str, DataVersion]:
    """Return the versions that `tip` has, by path. One query."""
    if tip is None or tip.snapshot_id is None:
        return {}
    here = StageFile.objects.filter(
        stage__entries__snapshot=tip.snapshot_id,
        role=StageFile.Role.OUTPUT,
        path=OuterRef("path"),
        hash=OuterRef("hash"),
    )
    rows = DataVersion.objects.filter(Exists(here), repository=tip.repository_id, path__in=paths)
    return {row.path: row for row in rows}


def versions_of(repository: Repository, path: str) -> QuerySet[DataVersion]:
    """Return the versions of the data at `path`, the newest first."""
    rows = repository.data_versions.filter(path=path)
    return rows.select_related("repository").order_by("-first_at", "-pk")


def other_names(repository: Repository, path: str) -> list[OtherName]:
    """Return the other paths of the repository that have had content of `path`: it was moved, or copied.

    One query. At most `MAX_NAMES`.
    """
    hashes = repository.data_versions.filter(path=path).exclude(hash__in=NOTHING).values("hash")
    rows = repository.data_versions.filter(hash__in=hashes).exclude(path=path).select_related("repository")
    firsts: dict[str, DataVersion] = {}
    for row in rows.order_by("path", "first_at", "pk")[: MAX_NAMES * 10]:
        firsts.setdefault(row.path, row)
    return [OtherName(name, row) for name, row in list(firsts.items())[:MAX_NAMES]]


def same_content(version: DataVersion, others: Iterable[str] = ()) -> QuerySet[DataVersion]:
    """Return the other places, of any repository, that have had the content of `version`, the first first."""
    rows = DataVersion.objects.filter(hash=version.hash).exclude(pk=version.pk).exclude(hash__in=NOTHING)
    return rows.exclude(path__in=list(others)).select_related("repository").order_by("first_at", "pk")
