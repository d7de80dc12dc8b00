"""The page of one run: its overview, its metrics and those of its machine, and how to make it again."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from experiments import access, run_files, run_page
from experiments.access import Viewer
from experiments.forms import CurveForm
from experiments.live import Part
from experiments.models import Run
from experiments.note_forms import NoteForm, TagForm
from experiments.selectors import run as run_details
from experiments.selectors import run_children, run_metrics, run_reproduction
from experiments.views.run_curves import drawing_of

_ROWS = 100
_NUMBERS = Part("run-numbers", "experiments/_run_numbers.html")
_NOTE = Part("run-note", "experiments/_run_note.html")
_TAGS = Part("run-tags", "experiments/_run_tags.html")
_METRICS = Part("run-metrics", "experiments/_run_metrics.html")
_CURVES = Part("run-curves", "experiments/_run_curves.html")


@require_safe
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show what says most about one run; while it goes on, it keeps itself up to date."""
    who, row = access.run_for(request, run_id)
    return overview(request, who, row, {})


def overview(
    request: HttpRequest, who: Viewer, row: Run, forms: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Return the overview of `row`.

    :param forms: `note_form` or `tag_form` as it was sent and refused
    """
    context = run_page.context(who, row, "overview")
    frame = context["frame"]
    context |= {
        "detail": run_details.detail(frame),
        "note_form": NoteForm(initial={"note": frame.note}),
        "tag_form": TagForm(),
        **forms,
    }
    parts = [_NUMBERS, _NOTE, _TAGS]
    return run_page.answer(request, "experiments/run.html", context, parts=parts, status=status)


@require_safe
def metrics(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show all metrics of a run with their curves."""
    return _measured(request, run_id, "metrics")


@require_safe
def system(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show what was measured of the machine while the run went on."""
    return _measured(request, run_id, "system")


@require_safe
def children(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show the runs that are nested in a run."""
    who, row = access.run_for(request, run_id)
    found = run_children.children(row, request.GET.get("page"))
    context = run_page.context(who, row, "children")
    given: dict[str, Any] = {"children": found, "table_query": urlencode({"q": found.expression})}
    return run_page.answer(request, "experiments/run_children.html", {**context, **given})


@require_safe
def reproduce(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show the commands that make a run again, and what is missing for that."""
    who, row = access.run_for(request, run_id)
    context = run_page.context(who, row, "reproduce")
    files = run_files.obtain([row])[row.pk]
    context["reproduction"] = run_reproduction.reproduction(row, context["frame"].repository)
    context["files"] = files
    part = Part("run-reproduction", "experiments/_run_reproduction.html")
    every = 1 if files.waits else 0
    return run_page.answer(request, "experiments/run_reproduce.html", context, parts=[part], every=every)


def _measured(request: HttpRequest, run_id: str, tab: str) -> HttpResponse:
    who, row = access.run_for(request, run_id)
    find = request.GET.get("find", "")[:250]
    found = run_metrics.page(
        row, system=tab == "system", find=find, all_charts=request.GET.get("charts") == "all"
    )
    page = Paginator(found.rows, _ROWS).get_page(request.GET.get("page"))
    how = drawing_of(request)
    context: dict[str, Any] = {
        **run_page.context(who, row, tab),
        "page": page,
        "rows": run_metrics.measured(row, list(page.object_list), found.lengths),
        "charts": found.charts,
        "hidden_charts": found.hidden_charts,
        "find": find,
        "how": how,
        "form": CurveForm.showing(how),
    }
    return run_page.answer(request, "experiments/run_metrics.html", context, parts=[_METRICS, _CURVES])
