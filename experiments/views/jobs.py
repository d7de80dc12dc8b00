"""The list of jobs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from experiments import access
from experiments.forms import JobFilterForm
from experiments.live import Live, Part
from experiments.models import Sweep
from experiments.selectors import jobs as selectors

_SECONDS = 3


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """Show the jobs that pass the filter in the address, newest first; the list keeps itself up to date."""
    who = access.viewer(request)
    form = JobFilterForm(request.GET)
    wanted = form.wanted(who.user)
    page = selectors.page_of(wanted, request.GET.get("page"))
    context = {"page": page, "filtered": not wanted.is_empty}
    live = Live(request, [Part("jobs", "experiments/_jobs.html")], context, every=_SECONDS)
    if live.is_poll:
        return live.answer()
    sweep = Sweep.objects.filter(pk=wanted.sweep).first() if wanted.sweep else None
    return render(request, "experiments/jobs.html", {"form": form, "live": live, "sweep": sweep, **context})
