"""What the pages of this app begin with, beyond `experiments.access`."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from experiments.access import Viewer, repository_for, viewer
from experiments.models import Repository
from lineage.models import DataVersion, HistoryCommit

_LARGEST = 2**63


def data_for(request: HttpRequest, name: str, pk: int) -> tuple[Viewer, DataVersion]:
    """Return the viewer and a version of data of the repository called `name`. Two queries.

    :raises Http404: there is none
    """
    who = viewer(request)
    if pk >= _LARGEST:
        raise Http404
    rows = DataVersion.objects.select_related("repository")
    return who, get_object_or_404(rows, pk=pk, repository__name=name)


def commit_of(repository: Repository, ref: str) -> HistoryCommit | None:
    """Return the indexed commit that a branch, a tag or the beginning of a hash names; None if there is none.

    Three queries at most. An empty `ref` is the default branch, else the newest commit.
    """
    rows = repository.history.select_related("snapshot", "inputs", "plots")
    name = ref or repository.default_ref
    named = repository.refs.filter(name=name).select_related("commit").first() if name else None
    if named is not None:
        return rows.filter(sha=named.commit.sha).first()
    if not ref:
        return rows.first()
    if len(ref) < 4 or not ref.isalnum():
        return None
    found = list(rows.filter(sha__startswith=ref.lower())[:2])
    return found[0] if len(found) == 1 else None


__all__ = ["commit_of", "data_for", "repository_for", "viewer"]
