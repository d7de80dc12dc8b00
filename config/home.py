"""The home page, the health check, and the page that documents the REST interface."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from config import api_reference, home_selectors
from experiments.live import Live, Part

_SECONDS = 5


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show what needs the signed-in person; the page keeps itself up to date."""
    context = {"home": home_selectors.home(signed_in(request))}
    live = Live(request, [Part("home", "_home.html")], context, every=_SECONDS)
    if live.is_poll:
        return live.answer()
    return render(request, "home.html", {"live": live, **context})


@login_not_required
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer whether the web process and its database work. Says nothing else, since anyone may ask."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_safe
def api_documentation(request: HttpRequest) -> HttpResponse:
    """Show every REST endpoint with its parameters, bodies and answers."""
    context = {"groups": api_reference.groups(), "base": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "api_documentation.html", context)
