"""The page of GTO's registry: versions and stages that a repository keeps in Git tags."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lineage import access
from lineage.selectors import data as data_selectors
from lineage.selectors import gto as selectors


@require_safe
def gto(request: HttpRequest, name: str) -> HttpResponse:
    """Show the artifacts of a repository, their versions, and who is in which stage."""
    _who, repository = access.repository_for(request, name)
    context = {
        "repository": repository,
        "tab": "gto",
        "registry": selectors.registry(repository),
        "state": data_selectors.state_of(repository),
    }
    return render(request, "lineage/gto.html", context)
