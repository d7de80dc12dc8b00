"""The page of one job: what it is, how far it is, its log; cancelling and retrying it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from experiments import access, job_actions, jobs
from experiments.live import Live, Part
from experiments.models import Job
from experiments.selectors import job as selectors
from experiments.selectors import job_log

_SECONDS = 2
_PARTS = [Part("job-head", "experiments/_job_head.html"), Part("job-rail", "experiments/_job_rail.html")]


@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job; header, steps and facts keep themselves up to date until it has ended."""
    who, row = access.job_for(request, pk)
    if Live.polls(request):
        return _live(request, who, row).answer()
    return _page(request, who, row)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a job; a GET asks first, for those without scripts."""
    who, row = access.job_for(request, pk)
    if request.method != "POST":
        return render(request, "experiments/job_cancel.html", {"job": row})
    try:
        row = jobs.cancel(row, user=who.user)
    except jobs.WrongStateError as error:
        return _page(request, who, row, problem=str(error), status=409)
    if row.cancel_requested_at is None:
        messages.success(request, _("Job #%(id)s is cancelled.") % {"id": pk})
    return redirect(row)


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a job that failed or was cancelled again."""
    who, row = access.job_for(request, pk)
    try:
        row = jobs.retry(row, user=who.user)
    except jobs.WrongStateError as error:
        return _page(request, who, row, problem=str(error), status=409)
    messages.success(request, _("Job #%(id)s waits for a worker again.") % {"id": pk})
    return redirect(row)


def _page(
    request: HttpRequest, who: access.Viewer, row: Job, *, problem: str = "", status: int = 200
) -> HttpResponse:
    first = request.GET.get("from", "")
    # More digests than any log has lines would be no number that a database takes.
    log = job_log.window(row, int(first)) if first.isdecimal() and len(first) < 10 else job_log.tail(row)
    live = _live(request, who, row)
    context = {"live": live, "log": log, "problem": problem, **live.context}
    return render(request, "experiments/job.html", context, status=status)


def _live(request: HttpRequest, who: access.Viewer, row: Job) -> Live:
    detail = selectors.detail(row, who.user)
    context: dict[str, Any] = {
        "job": row,
        "detail": detail,
        "summary": detail.summary,
        "actions": job_actions.of(row, who.user, who.permissions),
        "priorities": job_actions.priorities(who.permissions),
    }
    address = reverse("experiments:job", args=[row.pk])
    return Live(request, _PARTS, context, every=_SECONDS if detail.is_live else 0, address=address)
