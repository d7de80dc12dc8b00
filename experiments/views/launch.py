"""The run form: the parameters of a commit as typed fields, and launching its pipeline with them."""

import hashlib
import re

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.roles import Permission
from experiments import access, launch_fields, launches, repositories
from experiments.launch_opening import opening
from experiments.launch_page import PARAMS, LaunchPage, parameters_of, resolve
from experiments.models import Commit, Repository
from experiments.repository_forms import LaunchForm

_KEPT = "kept."
_SHA = re.compile(r"[0-9a-f]{40,64}")
_TOKEN = re.compile(r"[0-9a-f]{32}")


@require_http_methods(["GET", "HEAD", "POST"])
def launch(request: HttpRequest, name: str) -> HttpResponse:
    """Show the run form at `?ref=`; POST launches, or loads another ref and keeps what was changed."""
    who, row = access.repository_for(request, name)
    if request.method == "POST":
        require(who.user, Permission.JOB_SUBMIT, target=repositories.target(row))
        return _posted(request, who, row)
    if refusal := who.refusal(Permission.JOB_SUBMIT):
        raise PermissionDenied(refusal)
    page = _opened(request, row)
    status = 404 if page.target is None and row.fetched_at else 200
    return _show(request, who, page, status)


def _opened(request: HttpRequest, row: Repository) -> LaunchPage:
    found = opening(row, request.GET.dict())
    if found is None:
        raise Http404(_("There is no such job or run of this repository."))
    form = LaunchForm(initial={"ref": found.target.ref if found.target else found.asked})
    return LaunchPage(
        row, form, found.target, found.prefill.values, prefill=found.prefill, ref_problem=found.problem
    )


def _posted(request: HttpRequest, who: access.Viewer, row: Repository) -> HttpResponse:
    sha = request.POST.get("loaded", "")
    loaded = row.commits.filter(sha=sha).first() if _SHA.fullmatch(sha) else None
    target, problem = resolve(row, request.POST.get("ref", ""))
    page = LaunchPage(
        row,
        LaunchForm(request.POST),
        target,
        _typed(request, loaded),
        _beginning_with(request, _KEPT),
        ref_problem=problem,
    )
    if target is not None and "reload" in request.POST:
        page.form = LaunchForm(initial={name: request.POST.get(name, "") for name in page.form.fields})
        return _show(request, who, page)
    if target is None:
        page.target = launches.Target(loaded, loaded.sha, "commit") if loaded else None
    elif loaded is not None and loaded.pk != target.commit.pk:
        page.ref_problem = _(
            "%(ref)s is another commit than the one whose parameters were shown. Here are its parameters, "
            "with your changes: check them and run again."
        ) % {"ref": target.ref[:60]}
    elif page.form.is_valid():
        return _launched(request, who, page)
    page.check_parameters()
    return _show(request, who, page, 422)


def _launched(request: HttpRequest, who: access.Viewer, page: LaunchPage) -> HttpResponse:
    try:
        job = launches.launch(
            page.repository,
            ref=page.target.ref if page.target else "",
            overrides=page.typed,
            user=who.user,
            note=page.form.cleaned_data["note"],
            priority=page.form.wanted_priority,
            register_as=page.form.registration,
            key=_key(request, who, page.repository),
        )
    except ValidationError as error:
        page.refuse(error)
        return _show(request, who, page, 422)
    return redirect(job)


def _typed(request: HttpRequest, loaded: Commit | None) -> dict[str, str]:
    """Return what was changed in the form: a field left as it was must not follow to another commit."""
    typed = _beginning_with(request, PARAMS)
    return launch_fields.changes(parameters_of(loaded)[0], typed) if loaded else typed


def _beginning_with(request: HttpRequest, prefix: str) -> dict[str, str]:
    return {
        key.removeprefix(prefix): str(text) for key, text in request.POST.items() if key.startswith(prefix)
    }


def _key(request: HttpRequest, who: access.Viewer, row: Repository) -> str | None:
    """Return what makes one job of a form that is sent twice, as by a double click."""
    if not _TOKEN.fullmatch(request.POST.get("token", "")):
        return None
    sent = sorted((key, text) for key, text in request.POST.items() if key != "csrfmiddlewaretoken")
    digest = hashlib.sha256(repr(sent).encode("utf-8", "replace")).hexdigest()
    return f"form:{who.user.pk}:{row.pk}:{digest}"


def _show(request: HttpRequest, who: access.Viewer, page: LaunchPage, status: int = 200) -> HttpResponse:
    context = {
        **page.context(),
        "may_prioritise": who.may(Permission.JOB_PRIORITISE),
        "may_register": who.may(Permission.VERSION_REGISTER),
        "refused": status == 422,
    }
    return render(request, "experiments/launch.html", context, status=status)
