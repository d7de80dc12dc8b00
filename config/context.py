"""What every template knows: the product, the navigation, and how the reader wants the pages to look."""

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

PRODUCT = "Stagegate"
THEME_COOKIE = "stagegate_theme"
_THEMES = {"auto", "light", "dark"}


class Entry(NamedTuple):
    """One entry of the navigation."""

    view: str
    label: "str | Promise"
    icon: str


_NAVIGATION: tuple[tuple["str | Promise", tuple[Entry, ...]], ...] = (
    ("", (Entry("home", _("Home"), "home"),)),
    (
        _("Registry"),
        (
            Entry("registry:models", _("Models"), "cube"),
            Entry("registry:promotions", _("Promotions"), "arrow-up-circle"),
        ),
    ),
    (
        _("Experiments"),
        (
            Entry("experiments:experiments", _("Experiments"), "beaker"),
            Entry("experiments:runs", _("Runs"), "chart-bar"),
            Entry("experiments:repositories", _("Repositories"), "code-bracket-square"),
            Entry("experiments:jobs", _("Jobs"), "queue-list"),
        ),
    ),
)


def interface(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of `base.html`. Costs no query beyond the user that the request has loaded."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "product_name": PRODUCT,
        "theme": _theme(request, getattr(user, "theme", "auto") if signed_in else "auto"),
        "saved_theme": getattr(user, "theme", "auto") if signed_in else "auto",
        "density": getattr(user, "density", "compact") if signed_in else "compact",
        "shortcuts": bool(getattr(user, "shortcuts", True)) if signed_in else True,
        "signed_in": signed_in,
        # Lazy: fragments for htmx have no navigation.
        "navigation": SimpleLazyObject(lambda: _navigation(request.path)) if signed_in else (),
    }


def _theme(request: HttpRequest, saved: str) -> str:
    """Return the theme: the button's choice, kept in a cookie, until the saved preference changes.

    The cookie reads `<chosen>.<preference it overrides>`, so that saving another preference on the settings
    page takes effect at once.
    """
    chosen, _dot, overridden = request.COOKIES.get(THEME_COOKIE, "").partition(".")
    return chosen if chosen in _THEMES and overridden == saved else saved


def _navigation(path: str) -> list[dict[str, Any]]:
    groups = [
        {"label": label, "entries": [dict(entry._asdict(), url=url) for entry in entries if (url := _url(entry.view))]}
        for label, entries in _NAVIGATION
    ]
    every = [entry for group in groups for entry in group["entries"]]
    here = _current(path, [entry["url"] for entry in every])
    for entry in every:
        entry["current"] = entry["url"] == here
    return [group for group in groups if group["entries"]]


def _current(path: str, urls: list[str]) -> str:
    """Return the entry whose address is the longest beginning of `path`; home, the beginning of all, is exact."""
    home = reverse("home")
    if path == home:
        return home
    return max((url for url in urls if url != home and path.startswith(url)), key=len, default="")


def _url(view: str) -> str:
    """Return the address of a page, or nothing while the installation does not have that page."""
    try:
        return reverse(view)
    except NoReverseMatch:
        return ""
