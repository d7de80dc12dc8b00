"""Editing the runs that were chosen in the table."""

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.roles import Permission
from experiments import access, run_edits
from experiments.forms import RunFilterForm
from experiments.run_edit_forms import RunEditForm
from experiments.selectors import chosen_runs, runs
from experiments.views.run_toolbar import found


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """Show what can be changed of the chosen runs; POST submits it and leads back to the table.

    Asked for `all`, it takes the runs that pass the filter in the address now, and names each of them: no
    others are edited, whatever passes when the form is sent.
    """
    who = access.viewer(request)
    sent = request.POST if request.method == "POST" else request.GET
    every = request.method != "POST" and "all" in request.GET
    wanted = _matching(request) if every else chosen_runs.ids(sent.getlist("runs"))
    back = _back(request, sent.get("back", ""))
    form = RunEditForm(request.POST if request.method == "POST" else None)
    status = HTTPStatus.OK
    if request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if form.is_valid():
            try:
                job = run_edits.submit(wanted, user=who.user, **form.wanted())
            except ValidationError as error:
                form.take_over(error)
            else:
                _tell(request, len(wanted), job.pk)
                return redirect(back)
    context = {
        "edit_form": form,
        "chosen": chosen_runs.runs(wanted),
        "back": back,
        "edit_refusal": who.refusal(Permission.RUN_EDIT),
        "too_many": _too_many(wanted) if every else "",
    }
    return render(request, "experiments/edit_runs.html", context, status=status)


def _matching(request: HttpRequest) -> list[str]:
    form = RunFilterForm(request.GET, experiments=runs.experiments())
    return chosen_runs.matching(found(form.wanted())[0])


def _too_many(wanted: list[str]) -> str:
    if len(wanted) <= run_edits.MAX_RUNS:
        return ""
    return _("At most %(limit)d runs can be edited at once.") % {"limit": run_edits.MAX_RUNS}


def _tell(request: HttpRequest, count: int, job: int) -> None:
    said = ngettext(
        "%(count)d run is being edited (job #%(job)d).",
        "%(count)d runs are being edited (job #%(job)d).",
        count,
    )
    messages.success(request, said % {"count": count, "job": job})


def _back(request: HttpRequest, address: str) -> str:
    """Return where to go afterwards: a page of ours."""
    ours = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return address if ours and address.startswith("/") else reverse("experiments:runs")
