"""Putting the result of a pipeline job onto a branch."""

import hashlib
import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.roles import Permission
from experiments import access, applying, job_changes
from experiments.jobs import WrongStateError
from experiments.models import Job, Ref
from experiments.repository_forms import ApplyForm, add_errors


@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the branch; POST submits the job that applies the result."""
    who, row = access.job_for(request, pk)
    if request.method != "POST":
        if refusal := who.refusal(Permission.JOB_SUBMIT):
            raise PermissionDenied(refusal)
        return _page(request, row, ApplyForm(initial=_usual(row)))
    # Refused and recorded whatever the form says.
    require(who.user, Permission.JOB_SUBMIT, target=job_changes.target(row))
    form = ApplyForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, status=422)
    given = form.cleaned_data
    sent = hashlib.sha256(repr((request.POST.get("token", ""), given)).encode()).hexdigest()
    try:
        made = applying.submit(row, user=who.user, **given, key=f"apply:{who.user.pk}:{row.pk}:{sent}")
    except ValidationError as error:
        add_errors(form, error)
        return _page(request, row, form, status=422)
    except WrongStateError as error:
        messages.error(request, str(error))
        return redirect(row)
    text = _("Job #%(id)s applies the result to %(branch)s.")
    messages.success(request, text % {"id": made.pk, "branch": given["branch"]})
    return redirect(made)


def _usual(job: Job) -> dict[str, str]:
    """Return what the form begins with: the branch that the job ran on, and its note."""
    payload = job.payload if isinstance(job.payload, dict) else {}
    is_branch = payload.get("ref_kind") == Ref.Kind.BRANCH
    default = job.repository.default_ref if job.repository else ""
    return {
        "branch": str(payload.get("ref") or "") if is_branch else default,
        "note": str(payload.get("note") or ""),
    }


def _page(request: HttpRequest, job: Job, form: ApplyForm, status: int = 200) -> HttpResponse:
    branches = Ref.objects.filter(repository=job.repository, kind=Ref.Kind.BRANCH) if job.repository else []
    context = {
        "job": job,
        "form": form,
        "branches": branches,
        "can_be_applied": applying.can_be_applied(job),
        "token": request.POST.get("token") or uuid.uuid4().hex,
    }
    return render(request, "experiments/job_apply.html", context, status=status)
