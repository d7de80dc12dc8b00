"""The evidence of a version or a promotion: a report to read and to print, and the bundle to take along.

A GET changes nothing and leaves no trace: a bundle is asked for by POST.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from accounts.models import User
from audit import checkpoint_files, standing_alone
from experiments.live import Live, Part
from experiments.selectors import job as job_selectors
from lineage import bundle_room, evidence_bundle, evidence_subject
from lineage.evidence_bundle import Standing
from lineage.models import EvidenceBundle
from registry import access
from registry.conflicts import ConflictError
from registry.models import ModelVersion, Promotion

_SECONDS = 2
_PARTS = [Part("bundle-state", "lineage/_bundle_state.html")]


@require_http_methods(["GET", "HEAD", "POST"])
def of_version(request: HttpRequest, name: str, version: str) -> HttpResponseBase:
    """Show everything that is known about a version in one page; POST asks for the bundle."""
    user = signed_in(request)
    return _page(request, user, access.get_version(name, version, user=user), None)


@require_http_methods(["GET", "HEAD", "POST"])
def of_promotion(request: HttpRequest, number: int) -> HttpResponseBase:
    """Show everything that is known about a promotion and its version; POST asks for the bundle."""
    user = signed_in(request)
    found = access.get_promotion(number, user=user)
    return _page(request, user, found.version, found)


@never_cache
@require_safe
def version_bundle(request: HttpRequest, name: str, version: str) -> HttpResponseBase:
    """Send the bundle of a version if it is ready, else lead to the page on which it can be asked for."""
    user = signed_in(request)
    return _ready_or_page(user, access.get_version(name, version, user=user), None)


@never_cache
@require_safe
def promotion_bundle(request: HttpRequest, number: int) -> HttpResponseBase:
    """Send the bundle of a promotion if it is ready, else lead to the page on which it can be asked for."""
    user = signed_in(request)
    found = access.get_promotion(number, user=user)
    return _ready_or_page(user, found.version, found)


@never_cache
@require_safe
def bundle(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send a bundle that was made for whoever asks."""
    return sent(evidence_bundle.get(pk, user=signed_in(request)))


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """Send the verifier of bundles, a single file."""
    response = HttpResponse(standing_alone.text(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, "verify.py")
    return response


@require_safe
def public_key(request: HttpRequest) -> HttpResponse:
    """Send the public keys that bundles, reports and checkpoints are signed with."""
    response = HttpResponse(checkpoint_files.public_keys(), content_type="application/x-pem-file")
    response["Content-Disposition"] = content_disposition_header(True, "public_key.pem")
    return response


def sent(made: EvidenceBundle) -> StreamingHttpResponse:
    """Return the answer that sends a bundle."""
    response = StreamingHttpResponse(bundle_room.content(made), content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, made.name)
    response["Content-Length"] = str(made.size)
    return response


def _ready_or_page(user: User, version: ModelVersion, promotion: Promotion | None) -> HttpResponseBase:
    found = evidence_bundle.standing(evidence_subject.of(version, user, promotion))
    return sent(found.ready) if found.ready else redirect(_address(version, promotion))


def _page(
    request: HttpRequest, user: User, version: ModelVersion, promotion: Promotion | None
) -> HttpResponseBase:
    problem = ""
    if request.method == "POST":
        try:
            evidence_bundle.request(version, user=user, promotion=promotion)
        except ConflictError as error:
            problem = str(error)
        else:
            return redirect(_address(version, promotion))
    if Live.polls(request) and (job := evidence_bundle.under_way(version, user=user, promotion=promotion)):
        return _live(request, user, Standing(None, job), {}).answer()
    subject = evidence_subject.of(version, user, promotion)
    context = {"subject": subject, "now": timezone.now(), "problem": problem}
    live = _live(request, user, evidence_bundle.standing(subject), context)
    if live.is_poll:
        return live.answer()
    status = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
    return render(request, "lineage/evidence.html", {"live": live, **live.context}, status=status)


def _live(request: HttpRequest, user: User, standing: Standing, context: dict[str, Any]) -> Live:
    """Return the part of the page that says how the bundle stands, and polls while it is being made."""
    job = standing.job if standing.is_waiting else None
    summary = job_selectors.detail(job, user).summary if job else None
    told = {**context, "standing": standing, "one": summary}
    return Live(request, _PARTS, told, every=_SECONDS if job else 0, address=request.path)


def _address(version: ModelVersion, promotion: Promotion | None) -> str:
    if promotion is not None:
        return reverse("lineage:promotion-evidence", args=[promotion.pk])
    return reverse("lineage:version-evidence", args=[version.model.name, version.version])
