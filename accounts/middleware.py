"""Pages in the language that the signed-in person prefers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation


class PreferredLanguageMiddleware:
    """Activates `user.language` where it is set.

    Stands after `AuthenticationMiddleware`; without a preference the choice of `LocaleMiddleware` (cookie,
    then browser) stays, and that one also resets the language at the next request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`."""
        if request.user.is_authenticated and request.user.language:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
