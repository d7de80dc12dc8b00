"""The entries of the left navigation."""

from collections.abc import Container, Iterable
from typing import NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission

HOME = "home"


class Entry(NamedTuple):
    """A page in the navigation: its view, label and heroicon; for a request also its address.

    With a `permission` it is there for those only who have it.
    """

    view: str
    label: "str | Promise"
    icon: str
    url: str = ""
    current: bool = False
    permission: str = ""


class Group(NamedTuple):
    """Entries under one heading; the first group has none."""

    label: "str | Promise"
    entries: tuple[Entry, ...]


GROUPS = (
    Group("", (Entry(HOME, _("Home"), "home"),)),
    Group(
        _("Registry"),
        (
            Entry("registry:models", _("Models"), "cube"),
            Entry("registry:promotions", _("Promotions"), "arrow-up-circle"),
            Entry("registry:production", _("In Production"), "rocket-launch"),
            Entry("lineage:lineage", _("Lineage"), "share"),
            Entry("registry:policies", _("Policies"), "scale"),
        ),
    ),
    Group(
        _("Experiments"),
        (
            Entry("experiments:experiments", _("Experiments"), "beaker"),
            Entry("experiments:runs", _("Runs"), "chart-bar"),
            Entry("experiments:repositories", _("Repositories"), "code-bracket-square"),
            Entry("experiments:jobs", _("Jobs"), "queue-list"),
        ),
    ),
    Group(
        _("Administration"),
        (
            Entry(
                "accounts:audit",
                _("Audit trail"),
                "clipboard-document-check",
                permission=Permission.AUDIT_READ,
            ),
        ),
    ),
)


def for_path(path: str, permissions: Container[str] = ()) -> list[Group]:
    """Return the groups with addresses, the entry marked to which the page at `path` belongs.

    A page that this installation does not have, or that takes a permission which is not among `permissions`,
    is left out, and so is a group that becomes empty.
    """
    addresses = {entry.view: _address(entry.view) for group in GROUPS for entry in group.entries}
    here = _current(path, addresses.values())
    groups = [
        Group(group.label, tuple(_filled(entry, addresses[entry.view], here) for entry in group.entries))
        for group in GROUPS
    ]
    present = [
        Group(label, tuple(entry for entry in entries if entry.url and _is_for(entry, permissions)))
        for label, entries in groups
    ]
    return [group for group in present if group.entries]


def _is_for(entry: Entry, permissions: Container[str]) -> bool:
    return not entry.permission or entry.permission in permissions


def _filled(entry: Entry, address: str, here: str) -> Entry:
    return entry._replace(url=address, current=bool(address) and address == here)


def _current(path: str, addresses: Iterable[str]) -> str:
    """Return the address that is the longest beginning of `path`; home, which begins all, must be equal."""
    home = reverse(HOME)
    if path == home:
        return home
    begin = (address for address in addresses if address and address != home and path.startswith(address))
    return max(begin, key=len, default="")


def _address(view: str) -> str:
    try:
        return reverse(view)
    except NoReverseMatch:
        return ""
