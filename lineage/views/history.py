"""The page of a repository's indexed history, with what cannot be read in it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lineage import access
from lineage.selectors import data as data_selectors
from lineage.selectors import gto
from lineage.selectors import history as selectors


@require_safe
def history(request: HttpRequest, name: str) -> HttpResponse:
    """List the commits of a repository; `?problems=1` those with files that cannot be read."""
    _who, repository = access.repository_for(request, name)
    troubled = request.GET.get("problems") == "1"
    page = selectors.commits_page(repository, request.GET.get("page"), troubled=troubled)
    registered = gto.of_commits([commit.sha for commit in page], repository=repository)
    context = {
        "repository": repository,
        "tab": "history",
        "state": data_selectors.state_of(repository),
        "page": page,
        "rows": [(commit, registered.get(commit.sha, ())) for commit in page],
        "troubled": troubled,
        "troubled_count": selectors.troubled_count(repository),
    }
    return render(request, "lineage/history.html", context)
