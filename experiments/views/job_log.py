"""The log of a job: new lines for a page that is open, and the whole as text."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experiments import access
from experiments.job_states import JobState
from experiments.selectors import job_log as selectors


@never_cache
@require_safe
def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the lines after `?after=` as list items, with the next poll while the job goes on."""
    _who, row = access.job_for(request, pk)
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    context = {"job": row, "log": selectors.news(row, after), "follow": not JobState(row.state).is_terminal}
    return render(request, "experiments/_job_log_lines.html", context)


@require_safe
def text(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Return the whole log as plain text."""
    _who, row = access.job_for(request, pk)
    response = StreamingHttpResponse(selectors.text(row), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'inline; filename="job-{row.pk}.log"'
    return response
