"""The form of a sweep: shown, counted as often as one likes, and started."""

import hashlib
import re

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.roles import Permission
from experiments import access, launch_fields, repositories, sweeps
from experiments.launch_opening import opening
from experiments.launch_page import PARAMS, parameters_of, resolve
from experiments.models import Commit, Repository
from experiments.sweep_forms import SweepForm
from experiments.sweep_page import SweepPage, known_metrics

_SHA = re.compile(r"[0-9a-f]{40,64}")
_TOKEN = re.compile(r"[0-9a-f]{32}")


@require_http_methods(["GET", "HEAD", "POST"])
def sweep(request: HttpRequest, name: str) -> HttpResponse:
    """Show the form; POST counts the runs, and with `start` begins them if their number is the one shown."""
    who, row = access.repository_for(request, name)
    if request.method == "POST":
        require(who.user, Permission.JOB_SUBMIT, target=repositories.target(row))
        return _posted(request, who, row)
    if refusal := who.refusal(Permission.JOB_SUBMIT):
        raise PermissionDenied(refusal)
    found = opening(row, request.GET.dict())
    if found is None:
        raise Http404(_("There is no such job or run of this repository."))
    metrics = known_metrics(row)
    initial = {
        "ref": found.target.ref if found.target else found.asked,
        "objective": metrics[0] if metrics else "",
    }
    form = SweepForm(initial={name: field.initial for name, field in SweepForm.base_fields.items()} | initial)
    page = SweepPage(
        row, form, found.target, found.prefill.values, prefill=found.prefill, ref_problem=found.problem
    )
    return _show(request, who, page, 404 if found.target is None and row.fetched_at else 200)


def _posted(request: HttpRequest, who: access.Viewer, row: Repository) -> HttpResponse:
    sha = request.POST.get("loaded", "")
    loaded = row.commits.filter(sha=sha).first() if _SHA.fullmatch(sha) else None
    target, problem = resolve(row, request.POST.get("ref", ""))
    page = SweepPage(row, SweepForm(request.POST), target, _typed(request, loaded), ref_problem=problem)
    if target is None or "reload" in request.POST:
        page.form = SweepForm(initial={name: request.POST.get(name, "") for name in page.form.fields})
        return _show(request, who, page, 200 if target else 422)
    page.make_plan()
    if "start" not in request.POST:
        return _show(request, who, page)
    if page.plan is None:
        return _show(request, who, page, 422)
    if loaded is not None and loaded.pk != target.commit.pk:
        page.problem = _("The branch has moved meanwhile. Here is what would run now: start again.")
    elif request.POST.get("expected") != str(page.plan.count):
        page.problem = _("The number of runs is another one than was shown. Look at it, and start again.")
    else:
        return _started(request, who, page)
    return _show(request, who, page, 422)


def _started(request: HttpRequest, who: access.Viewer, page: SweepPage) -> HttpResponse:
    try:
        made = sweeps.start(
            page.repository,
            page.form.asked(page.typed),
            user=who.user,
            key=_key(request, who, page.repository),
        )
    except ValidationError as error:
        page.plan = None
        page.refuse(error)
        return _show(request, who, page, 422)
    return redirect(made)


def _typed(request: HttpRequest, loaded: Commit | None) -> dict[str, str]:
    """Return what was changed in the form: a field left as it was keeps the value of the commit."""
    typed = {
        key.removeprefix(PARAMS): str(text) for key, text in request.POST.items() if key.startswith(PARAMS)
    }
    return launch_fields.changes(parameters_of(loaded)[0], typed) if loaded else typed


def _key(request: HttpRequest, who: access.Viewer, row: Repository) -> str | None:
    """Return what makes one sweep of a form that is sent twice, as by a double click."""
    token = request.POST.get("token", "")
    if not _TOKEN.fullmatch(token):
        return None
    sent = sorted((key, text) for key, text in request.POST.items() if key != "csrfmiddlewaretoken")
    return f"form:{who.user.pk}:{row.pk}:{hashlib.sha256(repr(sent).encode('utf-8', 'replace')).hexdigest()}"


def _show(request: HttpRequest, who: access.Viewer, page: SweepPage, status: int = 200) -> HttpResponse:
    context = {
        **page.context(),
        "may_prioritise": who.may(Permission.JOB_PRIORITISE),
        "refused": status == 422,
    }
    return render(request, "experiments/sweep_form.html", context, status=status)
