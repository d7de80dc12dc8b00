"""The table of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from experiments import access, run_columns, run_export, saved_views, sentences
from experiments.filters import FilterError
from experiments.forms import RunFilterForm
from experiments.live import Live, Part
from experiments.metric_goals import Goal
from experiments.models import Run
from experiments.run_columns import Column, Offer
from experiments.run_edit_forms import RunEditForm
from experiments.selectors import chosen_runs, meanings, mirror
from experiments.selectors import runs as selectors
from experiments.selectors import saved_views as view_selectors
from experiments.selectors.run_matches import Matches, RunFilter, matching
from experiments.selectors.run_order import DEFAULT, CursorError
from experiments.selectors.runs import RunPage

_SECONDS = 5
#: Runs that can be compared at once.
COMPARED = 100
PLACES = ("after", "before")
_PARTS = [
    Part("runs-news", "experiments/_runs_news.html"),
    Part("runs-body", "experiments/_runs_body.html", tag="tbody"),
]


@dataclass(frozen=True)
class Fault:
    """Why the filter is not understood: the text in front of the fault, the fault, and what is behind it."""

    reason: str
    before: str
    at: str
    behind: str


@require_safe
@gzip_page
def runs(request: HttpRequest) -> HttpResponse:
    """Show the runs that pass the filter in the address; what changes in MLflow shows by itself.

    It is sent compressed: a hundred rows are two hundred kilobytes.

    Runs that are new do not push the others away: a line says how many there are. A filter that cannot be
    understood, or a place that is none, is answered by 400 with the reason beside it.
    """
    who = access.viewer(request)
    form = RunFilterForm(request.GET, experiments=selectors.experiments())
    wanted = form.wanted()
    offer = selectors.columns_on_offer(wanted.experiment)
    columns = run_columns.chosen(request.GET.getlist("columns")) or offer.default
    since = _since(request)
    found, fault = _found(wanted)
    sort = request.GET.get("sort", DEFAULT)
    polls = Live.polls(request)
    # When a page is opened, it shows what there is; later, what is new waits to be asked for.
    known = found.filter(Q(pk__lte=since)) if polls else found
    page, lost = _page(request, known, columns, sort)
    context: dict[str, Any] = {
        "page": page,
        "columns": columns,
        "one_experiment": bool(wanted.experiment),
        "filtered": not wanted.is_empty,
        "mirror": mirror.mirror(),
        "may_sync": who.may(Permission.JOB_SUBMIT),
        "news": selectors.news(found, since) if polls else 0,
        "fresh_address": _address(request, since=None),
    }
    context["picked"] = chosen_runs.runs(chosen_runs.ids(request.GET.getlist("runs")))
    address = _address(request, since=since, columns=columns)
    live = Live(request, _PARTS, context, every=0 if fault else _SECONDS, address=address)
    if live.is_poll:
        return live.answer()
    picker = _picker(request, offer, columns)
    arrangement = saved_views.arrangement(request.GET.urlencode())
    tabs = view_selectors.tabs(who.user, request.GET.get("view", ""), arrangement)
    opened = next((tab for tab in tabs if tab.current), None)
    page_context = {
        "smaller_better": _smaller_better(page, columns),
        "count_address": _all_pages(request, "runs-count"),
        "export_address": _all_pages(request, "runs-export"),
        "form": form,
        "live": live,
        "fault": fault,
        "edit_form": RunEditForm(),
        "edit_refusal": who.refusal(Permission.RUN_EDIT),
        "compare_limit": COMPARED,
        "here": request.get_full_path(),
        "view_tabs": tabs,
        "opened_view": opened,
        "may_change_view": opened and (opened.own or who.may(Permission.SAVED_VIEW_MANAGE)),
        "arrangement": arrangement,
        **picker,
        **context,
    }
    return render(request, "experiments/runs.html", page_context, status=400 if fault or lost else 200)


@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """Tell how many runs pass the filter in the address; apart from the table, which need not wait for it."""
    access.viewer(request)
    form = RunFilterForm(request.GET, experiments=selectors.experiments())
    found, fault = _found(form.wanted())
    context = {
        "count": selectors.count(found),
        "back": f"{reverse('experiments:runs')}?{request.GET.urlencode()}",
    }
    page = (
        "experiments/_runs_count.html" if "HX-Request" in request.headers else "experiments/runs_count.html"
    )
    return render(request, page, context, status=400 if fault else 200)


@require_safe
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Send all runs that pass the filter in the address as CSV, in its order and with its columns."""
    access.viewer(request)
    wanted = RunFilterForm(request.GET, experiments=selectors.experiments()).wanted()
    found, fault = _found(wanted)
    if fault:
        return HttpResponse(fault.reason, status=400, content_type="text/plain; charset=utf-8")
    chosen = run_columns.chosen(request.GET.getlist("columns"))
    columns = chosen or selectors.columns_on_offer(wanted.experiment).default
    lines = run_export.lines(found, columns, request.GET.get("sort", DEFAULT))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="runs.csv"'
    return response


def _found(wanted: RunFilter) -> tuple[Matches, Fault | None]:
    try:
        return matching(wanted), None
    except FilterError as error:
        text = wanted.text
        parts = text[: error.start], text[error.start : error.end], text[error.end :]
        return Matches(Run.objects.none()), Fault(sentences.translated(str(error)), *parts)


def _page(request: HttpRequest, found: Matches, columns: Sequence[Column], sort: str) -> tuple[RunPage, bool]:
    """Return the page that the address asks for, else the first; and whether its place cannot be read."""
    places = {name: request.GET.get(name, "") for name in ("after", "before")}
    try:
        return selectors.page(found, columns, sort, **places), False
    except CursorError:
        return selectors.page(found, columns, sort), True


def _since(request: HttpRequest) -> int:
    """Return the newest run that the page knew when it was opened."""
    since = request.GET.get("since", "")
    if Live.polls(request) and since.isdecimal() and len(since) < 19:
        return int(since)
    return selectors.newest_key()


def _smaller_better(page: RunPage, columns: Sequence[Column]) -> list[Column]:
    """Return the metrics of which smaller values are better, in the experiments of the page."""
    experiments = list(dict.fromkeys(row.run.experiment_id for row in page.rows))
    known = meanings.meanings(experiments)
    metrics = [column for column in columns if column.is_metric]
    return [column for column in metrics if known.across(column.key, experiments).goal is Goal.MIN]


def _address(request: HttpRequest, *, since: int | None, columns: tuple[Column, ...] = ()) -> str:
    """Return the address of this page, with the columns it shows: those by default may change meanwhile."""
    query: QueryDict = request.GET.copy()
    for key in ("seen", "since", *PLACES) if since is None else ("seen",):
        query.pop(key, None)
    if since is not None:
        query["since"] = str(since)
        query.setlist("columns", [column.name for column in columns])
    return f"{request.path}?{query.urlencode()}"


def _all_pages(request: HttpRequest, name: str) -> str:
    """Return the address of something about all pages of the table: the filter without the place."""
    query = request.GET.copy()
    for key in PLACES:
        query.pop(key, None)
    return f"{reverse(f'experiments:{name}')}?{query.urlencode()}"


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
        if key not in {"columns", "seen", "since", *PLACES}
        for value in values
    ]
    explicit = columns if "columns" in request.GET else ()
    return {"picker_groups": groups, "picker_kept": kept, "picker_explicit": explicit}
