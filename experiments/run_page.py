"""What every page of a run is made of: its header, its tabs, and the parts that renew themselves.

Pages of apps to the left that belong to a run (its versions) are made of the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.roles import Permission
from experiments import applying, lineage_links
from experiments.access import Viewer
from experiments.live import Live, Part
from experiments.models import Run
from experiments.selectors import run_frame
from experiments.selectors.run_frame import Frame

HEAD = Part("run-head", "experiments/_run_head.html")
TABS = Part("run-tabs", "experiments/_run_tabs.html")
LIVE_SECONDS = 5
EDIT_SECONDS = 1


@dataclass(frozen=True)
class Tab:
    """One page of a run.

    :ivar count: how much there is, where that is known
    """

    name: str
    label: str | Promise
    url: str
    count: int | None = None


def context(who: Viewer, run: Run, tab: str) -> dict[str, Any]:
    """Return what header and tabs of a page of `run` show. At most seven queries.

    :param tab: name of the tab that is open
    """
    found = run_frame.frame(run)
    return {
        "run": run,
        "frame": found,
        "tab": tab,
        "tabs": tabs(found, tab),
        "may_run": who.may(Permission.JOB_SUBMIT),
        "edit_refusal": who.refusal(Permission.RUN_EDIT),
        "compare_url": _url("experiments:compare", query=f"runs={run.run_id}"),
        "sweep_url": _launch_url("experiments:sweep", found),
        "launch_url": _launch_url("experiments:launch", found),
        "apply_url": _apply_url(found),
        "versions_url": _url("registry:run-versions", run.run_id),
        "lineage_url": lineage_links.of_run(run.run_id),
        "reached_url": lineage_links.reached_by_run(run.run_id),
        "register_url": _register_url(who, run),
    }


def _register_url(who: Viewer, run: Run) -> str:
    return (
        _url("registry:register", query=f"run={run.run_id}") if who.may(Permission.VERSION_REGISTER) else ""
    )


def answer(
    request: HttpRequest,
    template: str,
    given: Mapping[str, Any],
    *,
    parts: Sequence[Part] = (),
    every: int = 0,
    status: int = 200,
) -> HttpResponse:
    """Return a page of a run, or the parts of it that changed if it asks for those.

    :param given: what `context` returned, and what the page shows itself
    :param parts: its parts that renew themselves, besides header and tabs
    :param every: seconds between two polls, if the page itself waits for something; 0 if it does not
    """
    found: Frame = given["frame"]
    if found.edits.waiting:
        every = EDIT_SECONDS
    every = every or (LIVE_SECONDS if found.is_live else 0)
    # What was sent and refused is shown in place of the overview.
    address = found.run.get_absolute_url() if request.method == "POST" else ""
    live = Live(request, [HEAD, TABS, *parts], given, every=every, address=address)
    if live.is_poll:
        return live.answer()
    return render(request, template, {"live": live, **given}, status=status)


def tabs(found: Frame, current: str) -> list[Tab]:
    """Return the pages of a run: those that would be empty are left out, unless one of them is open."""
    run = found.run
    every = [
        Tab("overview", _("Overview"), run.get_absolute_url()),
        Tab("metrics", _("Metrics"), _page("run-metrics", run), found.metrics),
        Tab("system", pgettext_lazy("tab", "System"), _page("run-system", run), found.system),
        Tab("files", _("Files"), _page("run-files", run), found.files),
        Tab("children", _("Child runs"), _page("run-children", run), found.children),
        Tab("versions", _("Versions"), _url("registry:run-versions", run.run_id)),
        Tab("reproduce", _("Reproduce"), _page("run-reproduce", run)),
    ]
    empty = {tab.name for tab in every if tab.name in ("system", "children") and not tab.count}
    return [tab for tab in every if tab.url and (tab.name not in empty or tab.name == current)]


def _page(name: str, run: Run) -> str:
    return reverse(f"experiments:{name}", args=[run.run_id])


def _url(name: str, *arguments: str, query: str = "") -> str:
    """Return the address of a page that may not be there."""
    try:
        address = reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
    return f"{address}?{query}" if query else address


def _launch_url(name: str, found: Frame) -> str:
    if found.repository is None:
        return ""
    return _url(name, found.repository.name, query=f"from_run={found.run.run_id}")


def _apply_url(found: Frame) -> str:
    """Return where the result that a run was logged from is put onto a branch; empty where there is none."""
    if found.job is None or not applying.can_be_applied(found.job):
        return ""
    return reverse("experiments:job-apply", args=[found.job.pk])
