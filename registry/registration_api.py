"""REST interface around registration: the proposal for a run, final versions, inspection of files."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from experiments.models import Job
from registry import access, finalising, inspection, registration
from registry.registration import REASON_LIMIT
from registry.serializers import QueuedJobSerializer, VersionSerializer


class OptionSerializer(serializers.Serializer[Any]):
    """One number that can be chosen."""

    step = serializers.CharField(help_text="what `bump` has to be for it")
    version = serializers.CharField()
    needs_reason = serializers.SerializerMethodField()

    def get_needs_reason(self, option: Any) -> bool:
        """Return whether it moves less far than the differences ask for."""
        return not option.suffices


class ProposalSerializer(serializers.Serializer[Any]):
    """The version that a run should get, and why."""

    version = serializers.CharField()
    previous = serializers.CharField(allow_null=True, help_text="the release it was compared with")
    required_bump = serializers.CharField(
        source="required", help_text="what the differences ask for; empty for the first version"
    )
    reasons = serializers.ListField(child=serializers.CharField())
    unknown = serializers.ListField(child=serializers.CharField(), help_text="what could not be compared")
    options = OptionSerializer(many=True)


class FinaliseBody(RequestBody):
    """Why, where the number needs a reason."""

    reason = serializers.CharField(max_length=REASON_LIMIT, required=False, default="", allow_blank=True)


class Proposal(APIView):
    """What the product would call a run."""

    @extend_schema(parameters=[OpenApiParameter("run_id", str, required=True)], responses=ProposalSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return the version that a run should get as a version of this model, with the reasons in words."""
        access.check_not_hidden(name, user=signed_in(request._request))
        run = access.get_run(request.query_params.get("run_id", ""))
        return Response(ProposalSerializer(registration.propose(run, name)).data)


class Finalisation(APIView):
    """The final version of a release candidate."""

    @extend_schema(
        request=FinaliseBody,
        responses={202: QueuedJobSerializer, 200: VersionSerializer, 409: OpenApiResponse()},
    )
    def post(self, request: Request, name: str, version: str) -> Response:
        """Queue that the candidate becomes final on the same artifacts; 200 with the version if it is."""
        body = FinaliseBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = signed_in(request._request)
        candidate = access.get_version(name, version, user=user)
        found = finalising.finalise(candidate, user=user, reason=body.validated_data["reason"])
        if isinstance(found, Job):
            return Response(QueuedJobSerializer(found).data, status=202)
        return Response(VersionSerializer(found).data)


class VersionInspection(APIView):
    """What is in the files of one version."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return what the inspection found; an empty object if nobody has looked yet."""
        return Response(access.get_version(name, version, user=signed_in(request._request)).inspection)

    @extend_schema(request=None, responses={202: QueuedJobSerializer})
    def post(self, request: Request, name: str, version: str) -> Response:
        """Queue another inspection."""
        user = signed_in(request._request)
        job = inspection.request(access.get_version(name, version, user=user), user=user)
        return Response(QueuedJobSerializer(job).data, status=202)
