"""Middleware of the whole product."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from config import problems

_ENCODED = "%00"


class RefuseNulMiddleware:
    """Answers 400 where an address holds U+0000: no name has it, and PostgreSQL cannot compare it.

    What stands in bodies is checked by forms and by `accounts.request_bodies`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, or refuse it."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_arguments: object) -> HttpResponse | None:
        """Refuse an address whose path or query holds U+0000, once decoded."""
        query = request.META.get("QUERY_STRING", "")
        if "\0" not in request.path and "\0" not in query and _ENCODED not in query:
            return None
        reason = _("The address holds a zero character (U+0000), which no name here has.")
        if request.path.startswith("/api/"):
            return problems.response(HTTPStatus.BAD_REQUEST, reason)
        return render(request, "400.html", {"reason": reason}, status=HTTPStatus.BAD_REQUEST)
