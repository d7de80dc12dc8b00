"""The page of the audit trail, and the files that can be taken along."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from accounts import access, audit_export, audit_labels, audit_rows
from accounts.audit_filters import AuditFilterForm
from accounts.models import User
from accounts.roles import Permission
from audit import search, verification
from audit.models import AuditEntry

_NAMES = 200
# No bigint of a database goes further.
_LAST = 2**63 - 1


@never_cache
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show the entries that pass the filter in the address, newest first, and whether the trail is whole."""
    user = access.signed_in(request)
    access.permissions_for(request)  # reads the roles once for the whole page
    access.require(user, Permission.AUDIT_READ, target=audit_export.TARGET)
    form = AuditFilterForm(request.GET)
    context = {"form": form, "status": _status(), "names": _names(), "now": timezone.now()}
    if not form.is_valid():
        return render(request, "audit/audit.html", context, status=422)
    opened = _number(request, "entry")
    before = opened + 1 if opened else _number(request, "before")
    window = search.window(form.wanted(), before=before, after=_number(request, "after"))
    context |= {
        "window": window,
        "rows": [audit_rows.row(entry) for entry in window.entries],
        "opened": opened,
        "filtered": not form.wanted().is_empty,
        "head": AuditEntry.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0,
    }
    return render(request, "audit/audit.html", context)


@never_cache
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Send the entries that pass the filter in the address as a file."""
    user = access.signed_in(request)
    filters = AuditFilterForm(request.GET)
    if not filters.is_valid():
        return audit(request)
    made = audit_export.export(user, filters.wanted(), form)
    response = StreamingHttpResponse(made.chunks, content_type=made.content_type)
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response


def _status() -> dict[str, object]:
    found = verification.status()
    return {"found": found, "fault": audit_labels.FAULTS.get(found.fault_kind, "")}


def _names() -> list[str]:
    """Names to choose from. Others are in the trail as well, of those who are gone; they can be typed."""
    return list(User.objects.order_by("username").values_list("username", flat=True)[:_NAMES])


def _number(request: HttpRequest, name: str) -> int | None:
    """Return the number of an entry from the address; one that cannot be is none."""
    text = request.GET.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if 0 < number < _LAST else None
