"""The evidence of a version or a promotion: a report to read and to print, and the bundle to take along."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from accounts.access import signed_in
from accounts.audit_export import Export
from accounts.models import User
from audit import checkpoint_files, standing_alone
from lineage import evidence_bundle, evidence_subject
from registry import access
from registry.models import ModelVersion, Promotion


@require_safe
def of_version(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show everything that is known about a version in one page."""
    user = signed_in(request)
    found = access.get_version(name, version, user=user)
    address = reverse("lineage:version-bundle", args=[found.model.name, found.version])
    return _report(request, user, found, None, address)


@require_safe
def of_promotion(request: HttpRequest, number: int) -> HttpResponse:
    """Show everything that is known about a promotion and its version in one page."""
    user = signed_in(request)
    found = access.get_promotion(number, user=user)
    address = reverse("lineage:promotion-bundle", args=[found.pk])
    return _report(request, user, found.version, found, address)


@never_cache
@require_GET
def version_bundle(request: HttpRequest, name: str, version: str) -> StreamingHttpResponse:
    """Send the bundle of a version."""
    user = signed_in(request)
    return sent(evidence_bundle.export(access.get_version(name, version, user=user), user=user))


@never_cache
@require_GET
def promotion_bundle(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """Send the bundle of a promotion."""
    user = signed_in(request)
    found = access.get_promotion(number, user=user)
    return sent(evidence_bundle.export(found.version, user=user, promotion=found))


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


def sent(made: Export) -> StreamingHttpResponse:
    """Return the answer that sends a file while it is made."""
    response = StreamingHttpResponse(made.chunks, content_type=made.content_type)
    response["Content-Disposition"] = content_disposition_header(True, made.name)
    return response


def _report(
    request: HttpRequest, user: User, version: ModelVersion, promotion: Promotion | None, address: str
) -> HttpResponse:
    subject = evidence_subject.of(version, user, promotion)
    context = {"subject": subject, "bundle_url": address, "now": timezone.now()}
    return render(request, "lineage/evidence.html", context)
