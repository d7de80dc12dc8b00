"""Middleware of the whole product."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse


class RefuseNulMiddleware:
    """Answers 400 where an address holds U+0000: no name has it, and PostgreSQL cannot compare it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, or refuse it."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Look at the path; what stands in queries and forms is checked where it is read.

        :raises BadRequest: it holds U+0000
        """
        if "\0" in request.path:
            raise BadRequest("The address holds a character that no name here has.")
