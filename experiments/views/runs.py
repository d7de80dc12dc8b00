"""The table of runs."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from experiments import access, run_columns
from experiments.forms import RunFilterForm
from experiments.live import Live, Part
from experiments.run_columns import Column, Offer
from experiments.selectors import mirror
from experiments.selectors import runs as selectors
from experiments.selectors.run_order import DEFAULT

_SECONDS = 5
_PARTS = [
    Part("runs-news", "experiments/_runs_news.html"),
    Part("runs-body", "experiments/_runs_body.html", tag="tbody"),
]


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """Show the runs that pass the filter in the address; what changes in MLflow shows by itself.

    Runs that are new do not push the others away: a line says how many there are.
    """
    who = access.viewer(request)
    form = RunFilterForm(request.GET, experiments=selectors.experiments())
    wanted = form.wanted()
    offer = selectors.columns_on_offer(wanted)
    columns = run_columns.chosen(request.GET.getlist("columns")) or offer.default
    since = _since(request)
    rows = selectors.matching(wanted)
    sort = request.GET.get("sort", DEFAULT)
    page = selectors.page_of(rows.filter(pk__lte=since), columns, sort, request.GET.get("page"))
    context: dict[str, Any] = {
        "page": page,
        "columns": columns,
        "one_experiment": bool(wanted.experiment),
        "filtered": not wanted.is_empty,
        "mirror": mirror.mirror(),
        "may_sync": who.may(Permission.JOB_SUBMIT),
        "news": rows.filter(pk__gt=since).count(),
        "fresh_address": _address(request, since=None),
    }
    address = _address(request, since=since, columns=columns)
    live = Live(request, _PARTS, context, every=_SECONDS, address=address)
    if live.is_poll:
        return live.answer()
    picker = _picker(request, offer, columns)
    return render(request, "experiments/runs.html", {"form": form, "live": live, **picker, **context})


def _since(request: HttpRequest) -> int:
    """Return the newest run that the page knew when it was opened."""
    since = request.GET.get("since", "")
    if Live.polls(request) and since.isdecimal() and len(since) < 19:
        return int(since)
    return selectors.newest_key()


def _address(request: HttpRequest, *, since: int | None, columns: tuple[Column, ...] = ()) -> str:
    """Return the address of this page, with the columns it shows: those by default may change meanwhile."""
    query: QueryDict = request.GET.copy()
    for key in ("seen", "since", "page") if since is None else ("seen",):
        query.pop(key, None)
    if since is not None:
        query["since"] = str(since)
        query.setlist("columns", [column.name for column in columns])
    return f"{request.path}?{query.urlencode()}"


def _picker(request: HttpRequest, offer: Offer, columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return what the column picker shows: everything on offer, and what was chosen though it is not."""
    groups = [
        (label, dict.fromkeys([*offered, *(column for column in columns if column.kind == kind)]))
        for label, kind, offered in (
            (_("Metrics"), "metrics", offer.metrics),
            (_("Parameters"), "params", offer.params),
        )
    ]
    kept = [
        (key, value)
        for key, values in request.GET.lists()
        if key not in {"columns", "page", "seen", "since"}
        for value in values
    ]
    explicit = columns if "columns" in request.GET else ()
    return {"picker_groups": groups, "picker_kept": kept, "picker_explicit": explicit}
