"""What every template knows: the product, the navigation, and how the reader wants the pages to look."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import access
from accounts.models import User
from config import navigation
from registry import notices

PRODUCT = "Stagegate"
THEME_COOKIE = "stagegate_theme"
_THEMES = {"auto", "light", "dark"}
# More than this many unread notices are not counted.
MOST_NOTICES = 100
_NOBODY = {"theme": "auto", "density": "compact", "shortcuts": True}


def interface(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of `base.html`; the navigation asks what the user may do, once a request."""
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
        "unread_notices": SimpleLazyObject(lambda: _unread(user)) if isinstance(user, User) else 0,
        "navigation": SimpleLazyObject(lambda: _navigation(request)) if signed_in else [],
    }


def _navigation(request: HttpRequest) -> list[navigation.Group]:
    return navigation.for_path(request.path, access.permissions_for(request))


def _unread(user: User) -> int:
    """Return how many notices wait, at most `MOST_NOTICES`, so that the count costs the same for everybody.

    Not kept between requests: several processes answer one person, and what was read in one page would come
    back in the next.
    """
    return len(notices.unread(user).order_by().values_list("pk", flat=True)[:MOST_NOTICES])


def _theme(request: HttpRequest, saved: str) -> str:
    """Return the theme: the button's choice, kept in a cookie, until the saved preference changes.

    The cookie reads `<chosen>.<preference it overrides>`, so that saving another preference on the settings
    page takes effect at once.
    """
    chosen, _dot, overridden = request.COOKIES.get(THEME_COOKIE, "").partition(".")
    return chosen if chosen in _THEMES and overridden == saved else saved
