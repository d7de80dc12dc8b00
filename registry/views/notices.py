"""What the signed-in person was told, and what of it they have read."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from registry import notices

_PER_PAGE = 50
_MOST = 100


@require_safe
def notices_page(request: HttpRequest) -> HttpResponse:
    """Show the unread notices; `?all` shows the read ones too."""
    user = signed_in(request)
    everything = "all" in request.GET
    rows = notices.of(user) if everything else notices.unread(user)
    page = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(notice, notices.sentence(notice)) for notice in page],
        "everything": everything,
        "unread": notices.unread(user).count() if everything else page.paginator.count,
    }
    return render(request, "registry/notices.html", context)


@require_POST
def mark_read(request: HttpRequest) -> HttpResponse:
    """Note that notices were read: those named by `id`, else all of them."""
    ids = [int(text) for text in request.POST.getlist("id")[:_MOST] if text.isdecimal() and len(text) < 19]
    notices.mark_read(signed_in(request), ids if "id" in request.POST else None)
    back = reverse("registry:notices")
    return redirect(f"{back}?all" if "all" in request.POST else back)
