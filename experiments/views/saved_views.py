"""Keeping arrangements of the table of runs."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from experiments import access, saved_views
from experiments.models import SavedView
from experiments.selectors.saved_views import ViewTab


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Keep the arrangement of the table under a name, and show it."""
    who = access.viewer(request)
    name, shared = request.POST.get("name", ""), "shared" in request.POST
    query = request.POST.get("query", "")
    return _done(
        request,
        lambda: saved_views.create(name, query, shared=shared, user=who.user),
        _("The view is saved."),
    )


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a view: what it is called, who sees it, and what it shows."""
    who, view = access.saved_view_for(request, pk)
    name, shared = request.POST.get("name", ""), "shared" in request.POST
    query = request.POST.get("query")
    return _done(
        request,
        lambda: saved_views.change(view, user=who.user, name=name, query=query, shared=shared),
        _("The view is changed."),
    )


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view."""
    who, view = access.saved_view_for(request, pk)
    saved_views.delete(view, user=who.user)
    messages.success(request, _("The view %(name)s is deleted.") % {"name": view.name})
    return redirect("experiments:runs")


def _done(request: HttpRequest, act: Callable[[], SavedView], said: str) -> HttpResponse:
    try:
        view = act()
    except ValidationError as error:
        context = {"problems": error.messages, "sent": request.POST}
        return render(
            request, "experiments/view_refused.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    messages.success(request, said)
    opened = ViewTab(view, own=True, current=True, changed=False)
    return redirect(f"{reverse('experiments:runs')}?{opened.query}")
