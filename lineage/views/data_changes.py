"""The page of what differs between two versions of the same data."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.roles import Permission
from experiments.models import Repository
from lineage import access, labels, listings
from lineage.models import DataVersion

_PER_PAGE = 200
_DIGITS = 18


@require_http_methods(["GET", "HEAD", "POST"])
def changes(request: HttpRequest, name: str) -> HttpResponse:
    """Show the files that differ between `?old=` and `?new=`; POST has their lists read."""
    who, repository = access.repository_for(request, name)
    old, new = (_version(repository, request.GET.get(side, "")) for side in ("old", "new"))
    if request.method == "POST":
        job = listings.request([old, new], user=who.user)
        messages.success(request, _("Job #%(id)s reads the lists of files.") % {"id": job.pk})
        return redirect(f"{reverse('lineage:data-changes', args=[name])}?old={old.pk}&new={new.pk}")
    context: dict[str, Any] = {
        "repository": repository,
        "tab": "data",
        "old": old,
        "new": new,
        "job": listings.under_way([old, new]),
        "refusal": who.refusal(Permission.DATA_READ),
        **_compared(old, new, request.GET),
    }
    return render(request, "lineage/data_changes.html", context)


def _version(repository: Repository, text: str) -> DataVersion:
    """Return a version of data by its primary key or its hash."""
    is_key = text.isdecimal() and len(text) <= _DIGITS
    named = {"pk": int(text)} if is_key else {"hash": text}
    rows = repository.data_versions.filter(**named).select_related("repository")
    row = rows.order_by("first_at", "pk").first()
    if row is None:
        raise Http404
    return row


def _compared(old: DataVersion, new: DataVersion, query: Mapping[str, str]) -> dict[str, Any]:
    found = listings.compared(old, new)
    if found.changes is None:
        return {"is_listed": False, "failures": found.failures}
    counts = Counter(change.kind for change in found.changes)
    kind = query.get("kind", "")
    shown = [change for change in found.changes if change.kind == kind] if counts[kind] else found.changes
    return {
        "is_listed": True,
        "kind": kind if counts[kind] else "",
        "kinds": [(one, counts[one]) for one in labels.FILE_CHANGES if counts[one]],
        "total": counts.total(),
        "page": Paginator(shown, _PER_PAGE).get_page(query.get("page")),
    }
