"""REST interface of evidence bundles."""

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import signed_in
from lineage import evidence_bundle
from lineage.views.evidence import sent
from registry import access

_ZIP = {(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY)}


class VersionBundle(APIView):
    """The evidence of one version."""

    @extend_schema(responses=_ZIP)
    def get(self, request: Request, name: str, version: str) -> HttpResponseBase:
        """Send the signed bundle of a version as a zip archive; noted in the trail."""
        user = signed_in(request._request)
        return sent(evidence_bundle.export(access.get_version(name, version, user=user), user=user))


class PromotionBundle(APIView):
    """The evidence of one promotion."""

    @extend_schema(responses=_ZIP)
    def get(self, request: Request, number: int) -> HttpResponseBase:
        """Send the signed bundle of a promotion as a zip archive; noted in the trail."""
        user = signed_in(request._request)
        found = access.get_promotion(number, user=user)
        return sent(evidence_bundle.export(found.version, user=user, promotion=found))
