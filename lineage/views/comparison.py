"""The page that says which input changed between two versions."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.models import User
from experiments import sentences
from lineage import comparison, node_ids
from lineage.node_ids import Kind, NodeId, NodeIdError
from registry import access
from registry.models import ModelVersion


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show two versions side by side by what they were made from: `a` and `b`, ids or ``model@version``."""
    user = signed_in(request)
    first, second = (request.GET.get(name, "").strip() for name in ("a", "b"))
    context: dict[str, Any] = {"a": first, "b": second}
    if not first or not second:
        return render(request, "lineage/compare.html", context)
    try:
        one = version_named(first, "", user=user)
        other = version_named(second, one.model.name, user=user)
    except (NodeIdError, Http404) as error:
        context["problem"] = sentences.translated(str(error))
        return render(request, "lineage/compare.html", context, status=404)
    return render(request, "lineage/compare.html", {**context, "comparison": comparison.of(one, other)})


def version_named(text: str, model: str, *, user: User) -> ModelVersion:
    """Return a version by the id of its node, by ``model@version``, or by its number alone.

    :param model: whose version a number alone is
    :raises NodeIdError: it is none of these
    :raises Http404: there is none
    """
    if text.startswith(f"{Kind.VERSION}:"):
        node = node_ids.parse(text)
    else:
        name, at, number = text.rpartition("@")
        node = NodeId(Kind.VERSION, number, path=name if at else model)
    if not node.path:
        raise Http404(_("Name the model as well: model@version."))
    return access.get_version(node.path, node.name, user=user)
