"""The table of runs as a file: the same filter, order and columns, all pages of it."""

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from experiments import access, run_columns, run_export, run_parquet
from experiments.forms import RunFilterForm
from experiments.selectors import chosen_runs
from experiments.selectors import runs as selectors
from experiments.selectors.run_matches import Matches
from experiments.selectors.run_order import DEFAULT
from experiments.views.run_toolbar import found

_WRITERS = {
    "csv": (run_export.lines, "text/csv; charset=utf-8"),
    "parquet": (run_parquet.blocks, "application/vnd.apache.parquet"),
}


@require_safe
def export(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """Send the runs that the address names, else all that pass its filter, in its order and columns.

    :raises Http404: `form` is none that there is
    """
    access.viewer(request)
    if form not in _WRITERS:
        raise Http404
    wanted = RunFilterForm(request.GET, experiments=selectors.experiments()).wanted()
    named = chosen_runs.ids(request.GET.getlist("runs"))
    if named:
        matches = Matches(chosen_runs.rows(named))
    else:
        matches, fault = found(wanted)
        if fault:
            return HttpResponse(fault.reason, status=400, content_type="text/plain; charset=utf-8")
    chosen = run_columns.chosen(request.GET.getlist("columns"))
    columns = chosen or selectors.columns_on_offer(wanted.experiment).default
    write, content_type = _WRITERS[form]
    parts = write(matches, columns, request.GET.get("sort", DEFAULT))
    response = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="runs.{form}"'
    return response
