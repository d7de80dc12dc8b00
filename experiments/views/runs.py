"""The table of runs."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts.roles import Permission
from experiments import access, compare_request, run_columns, run_groups
from experiments.forms import RunFilterForm
from experiments.live import Live, Part
from experiments.metric_goals import Goal
from experiments.run_columns import Column
from experiments.run_edit_forms import RunEditForm
from experiments.selectors import chosen_runs, meanings, mirror
from experiments.selectors import runs as selectors
from experiments.selectors.run_matches import Matches
from experiments.selectors.run_order import DEFAULT, CursorError
from experiments.selectors.runs import RunPage
from experiments.views.run_groups import page as group_page
from experiments.views.run_toolbar import PLACES, all_pages, edit_all, found, toolbar

_SECONDS = 5
_PARTS = [
    Part("runs-news", "experiments/_runs_news.html"),
    Part("runs-body", "experiments/_runs_body.html", tag="tbody"),
]


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
    if move := request.GET.get("move"):
        return redirect(_address(request, since=None, columns=run_columns.moved(columns, move)))
    if run_groups.keys(request.GET.getlist("group")):
        return group_page(request, who, form, offer, columns)
    since = _since(request)
    matches, fault = found(wanted)
    sort = request.GET.get("sort", DEFAULT)
    polls = Live.polls(request)
    # When a page is opened, it shows what there is; later, what is new waits to be asked for.
    known = matches.filter(Q(pk__lte=since)) if polls else matches
    page, lost = _page(request, known, columns, sort)
    context: dict[str, Any] = {
        "page": page,
        "columns": columns,
        "one_experiment": bool(wanted.experiment),
        "filtered": not wanted.is_empty,
        "mirror": mirror.mirror(),
        "may_sync": who.may(Permission.JOB_SUBMIT),
        "news": selectors.news(matches, since) if polls else 0,
        "fresh_address": _address(request, since=None),
    }
    context["picked"] = chosen_runs.runs(chosen_runs.ids(request.GET.getlist("runs")))
    address = _address(request, since=since, columns=columns)
    live = Live(request, _PARTS, context, every=0 if fault else _SECONDS, address=address)
    if live.is_poll:
        return live.answer()
    page_context = {
        "smaller_better": _smaller_better(page, columns),
        "count_address": all_pages(request, "runs-count"),
        "parquet_address": all_pages(request, "runs-export", "parquet"),
        "export_address": all_pages(request, "runs-export", "csv"),
        "live": live,
        "fault": fault,
        "edit_form": RunEditForm(),
        "edit_refusal": who.refusal(Permission.RUN_EDIT),
        "compare_limit": compare_request.MAX_RUNS,
        "here": request.get_full_path(),
        **edit_all(request, who, wanted),
        **toolbar(request, who, form, offer, columns),
        **context,
    }
    return render(request, "experiments/runs.html", page_context, status=400 if fault or lost else 200)


@require_safe
def count(request: HttpRequest) -> HttpResponse:
    """Tell how many runs pass the filter in the address; apart from the table, which need not wait for it."""
    who = access.viewer(request)
    wanted = RunFilterForm(request.GET, experiments=selectors.experiments()).wanted()
    matches, fault = found(wanted)
    context = {
        "count": selectors.count(matches),
        **edit_all(request, who, wanted),
        "back": f"{reverse('experiments:runs')}?{request.GET.urlencode()}",
    }
    page = (
        "experiments/_runs_count.html" if "HX-Request" in request.headers else "experiments/runs_count.html"
    )
    return render(request, page, context, status=400 if fault else 200)


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
    for key in ("seen", "move", "since", *PLACES) if since is None else ("seen",):
        query.pop(key, None)
    if since is not None:
        query["since"] = str(since)
    if columns:
        query.setlist("columns", [column.name for column in columns])
    return f"{request.path}?{query.urlencode()}"
