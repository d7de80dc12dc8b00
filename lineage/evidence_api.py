"""REST interface of evidence bundles: POST has one made, GET sends it."""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.models import User
from lineage import evidence_bundle, evidence_subject
from lineage.evidence_bundle import Standing
from lineage.views.evidence import sent
from registry import access
from registry.models import ModelVersion, Promotion

_ZIP = {(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY)}


class BundleSerializer(serializers.Serializer[Any]):
    """How a bundle stands."""

    ready = serializers.BooleanField(help_text="whether GET sends it now")
    job = serializers.IntegerField(allow_null=True, help_text="that makes it; null: it is ready")
    url = serializers.CharField(allow_null=True, help_text="where this very bundle is, for a day")
    sha256 = serializers.CharField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="in bytes")
    made_at = serializers.DateTimeField(allow_null=True)


_STANDING = {200: BundleSerializer, 202: BundleSerializer}


class VersionBundle(APIView):
    """The evidence of one version."""

    @extend_schema(responses=_ZIP)
    def get(self, request: Request, name: str, version: str) -> HttpResponseBase:
        """Send the signed bundle of a version as a zip archive; 404 until one was asked for and made."""
        user = signed_in(request._request)
        return _ready(user, access.get_version(name, version, user=user))

    @extend_schema(request=None, responses=_STANDING)
    def post(self, request: Request, name: str, version: str) -> Response:
        """Have the bundle made (202) unless nothing has changed since the one that is there (200)."""
        user = signed_in(request._request)
        return _asked(evidence_bundle.request(access.get_version(name, version, user=user), user=user))


class PromotionBundle(APIView):
    """The evidence of one promotion."""

    @extend_schema(responses=_ZIP)
    def get(self, request: Request, number: int) -> HttpResponseBase:
        """Send the signed bundle of a promotion as a zip archive; 404 until one was asked for and made."""
        user = signed_in(request._request)
        found = access.get_promotion(number, user=user)
        return _ready(user, found.version, found)

    @extend_schema(request=None, responses=_STANDING)
    def post(self, request: Request, number: int) -> Response:
        """Have the bundle made (202) unless nothing has changed since the one that is there (200)."""
        user = signed_in(request._request)
        found = access.get_promotion(number, user=user)
        return _asked(evidence_bundle.request(found.version, user=user, promotion=found))


def _ready(user: User, version: ModelVersion, promotion: Promotion | None = None) -> HttpResponseBase:
    found = evidence_bundle.standing(evidence_subject.of(version, user, promotion))
    if found.ready is None:
        raise Http404(_("No bundle is ready that tells what is so now. Ask for one by POST."))
    return sent(found.ready)


def _asked(found: Standing) -> Response:
    ready = found.ready
    told = {
        "ready": ready is not None,
        "job": found.job.pk if found.job and ready is None else None,
        "url": ready.get_absolute_url() if ready else None,
        **{name: getattr(ready, name, None) for name in ("sha256", "size", "made_at")},
    }
    return Response(BundleSerializer(told).data, status=200 if ready else 202)
