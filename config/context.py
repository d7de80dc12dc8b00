"""What every template knows: the product, the navigation, and how the reader wants the pages to look."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from config import navigation

PRODUCT = "Stagegate"
THEME_COOKIE = "stagegate_theme"
_THEMES = {"auto", "light", "dark"}
_NOBODY = {"theme": "auto", "density": "compact", "shortcuts": True}


def interface(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of `base.html`. Costs no query beyond the user that the request has loaded."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    wishes = (
        {name: getattr(user, name, default) for name, default in _NOBODY.items()} if signed_in else _NOBODY
    )
    return {
        "product_name": PRODUCT,
        "signed_in": signed_in,
        "saved_theme": wishes["theme"],
        "theme": _theme(request, str(wishes["theme"])),
        "density": wishes["density"],
        "shortcuts": wishes["shortcuts"],
        # Lazy, because the fragments that htmx asks for have no navigation.
        "navigation": SimpleLazyObject(lambda: navigation.for_path(request.path)) if signed_in else [],
    }


def _theme(request: HttpRequest, saved: str) -> str:
    """Return the theme: the button's choice, kept in a cookie, until the saved preference changes.

    The cookie reads `<chosen>.<preference it overrides>`, so that saving another preference on the settings
    page takes effect at once.
    """
    chosen, _dot, overridden = request.COOKIES.get(THEME_COOKIE, "").partition(".")
    return chosen if chosen in _THEMES and overridden == saved else saved
