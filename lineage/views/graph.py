"""The page of the lineage graph."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from experiments import sentences
from lineage import asked_graphs, collect, drawing, graph_words, node_ids, node_search, roots
from lineage.graph import Direction
from lineage.node_cards import Links
from lineage.node_ids import Kind, NodeId, NodeIdError
from lineage.reach import Reach
from lineage.selectors import version_root
from registry import access, asked_instants, instants

#: Kinds of which it can be asked what they reached.
_CAUSES = {Kind.DATA, Kind.COMMIT, Kind.RUN, Kind.STAGE}
#: Kinds whose names people abbreviate.
_ABBREVIATED = {Kind.DATA, Kind.COMMIT, Kind.RUN}


@require_safe
def lineage(request: HttpRequest) -> HttpResponse:
    """Show where a node came from and what it reached; without a node, search for one."""
    asked, at = asked_graphs.of(request.GET, request.GET.getlist("open")), asked_instants.of(request)
    if not asked.node:
        return _search(request, at)
    try:
        node = node_ids.parse(asked.node)
    except NodeIdError as error:
        return _search(request, at, problem=sentences.translated(str(error)))
    user = signed_in(request)
    try:
        root = roots.find(node, user=user)
    except Http404 as error:
        near = node.name if node.kind in _ABBREVIATED else ""
        return _search(request, at, near, problem=str(error), status=404)
    limits = Reach.of(user, at.then)
    found = collect.around(
        root, user=user, direction=asked.direction, depth=asked.depth, at=at.then, limits=limits
    )
    drawn = drawing.draw(found, limits, _links(request), asked.opened)
    context = {
        "asked": at,
        "graph": asked,
        "drawing": drawn,
        "offsets": instants.OFFSETS,
        "directions": graph_words.DIRECTIONS.items(),
        "depths": range(1, collect.DEEPEST + 1),
        "node": asked.node,
        "not_yet": bool(root.at and root.at > at.at),
        "is_cause": node.kind in _CAUSES,
        "version_root": version_root.of(int(root.key.value)) if node.kind is Kind.VERSION else None,
        "permalink": _permalink(request, at),
        "box_size": (drawing.WIDTH, drawing.HEIGHT),
    }
    return render(request, "lineage/lineage.html", context, status=422 if at.error else 200)


@require_safe
def version_lineage(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Go to the graph of a version: the address that other pages know."""
    found = access.get_version(name, version, user=signed_in(request))
    node = NodeId(Kind.VERSION, found.version, path=found.model.name)
    return redirect(f"{reverse('lineage:lineage')}?{urlencode({'node': str(node)})}")


def _links(request: HttpRequest) -> Links:
    here = reverse("lineage:lineage")
    names = ("direction", "depth", "at", "zone", "exact")
    kept = {name: request.GET[name] for name in names if name in request.GET}
    same = [(name, value) for name, values in request.GET.lists() for value in values]
    return Links(
        lambda node: f"{here}?{urlencode({'node': node, **kept})}",
        lambda name: f"{here}?{urlencode([*same, ('open', name)])}#graph",
    )


def _permalink(request: HttpRequest, at: asked_instants.Asked) -> str:
    """Return the address that shows the same for ever: with the instant written out."""
    query = request.GET.copy()
    for name in ("zone", "exact"):
        query.pop(name, None)
    query["at"] = at.link
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _search(
    request: HttpRequest, at: asked_instants.Asked, near: str = "", *, problem: str = "", status: int = 200
) -> HttpResponse:
    """Show what a search finds; exactly one node is gone to at once.

    :param near: what to look for where an address names a node that is not there
    """
    text = (near or request.GET.get("q", "").strip())[: node_search.LONGEST]
    user = signed_in(request)
    matches = node_search.find(text, user=user) if text else []
    if len(matches) == 1 and (near or not problem):
        return redirect(f"{reverse('lineage:lineage')}?{urlencode({'node': matches[0].id})}")
    context: dict[str, Any] = {
        "q": text,
        "matches": matches,
        "problem": problem,
        "starts": [] if text else node_search.starts(user=user),
        "asked": at,
        "direction": Direction.BOTH,
    }
    return render(
        request, "lineage/search.html", context, status=422 if problem and status == 200 else status
    )
