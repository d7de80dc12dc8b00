"""REST interface of deployments: what those who deploy, mostly from CI, tell us."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from registry import access, deployment_selectors, deployments
from registry.models import Deployment


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    """Where a version serves, or served."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")
    recorded_by = serializers.CharField(source="recorded_by_name")
    retired_by = serializers.CharField(source="retired_by_name")
    replaced_by = serializers.IntegerField(source="replaced_by_id", allow_null=True)

    class Meta:
        model = Deployment
        fields = [
            "id",
            "model",
            "version",
            "environment",
            "url",
            "note",
            "at",
            "retired_at",
            "retired_by",
            "replaced_by",
            "recorded_at",
            "recorded_by",
        ]
        read_only_fields = fields


class DeploymentBody(RequestBody):
    """Which version serves where, and since when."""

    version = serializers.CharField(max_length=128, help_text="semantic version, or MLflow's integer")
    environment = serializers.CharField(max_length=100)
    url = serializers.CharField(
        max_length=deployments.URL_LIMIT, required=False, default="", allow_blank=True
    )
    note = serializers.CharField(
        max_length=deployments.NOTE_LIMIT, required=False, default="", allow_blank=True
    )
    at = serializers.DateTimeField(
        required=False, help_text="with time zone, not in the future; now if absent"
    )
    alongside = serializers.BooleanField(
        required=False, default=False, help_text="leave what serves there: both do"
    )


class RetirementBody(RequestBody):
    """When a deployment ended."""

    at = serializers.DateTimeField(required=False, help_text="now if absent")


class Deployments(generics.ListAPIView[Deployment]):
    """Where the versions of a model serve, or served."""

    serializer_class = DeploymentSerializer

    def get_queryset(self) -> QuerySet[Deployment]:
        """Return the deployments, the newest first."""
        if getattr(self, "swagger_fake_view", False):
            return Deployment.objects.none()
        model = access.get_model(self.kwargs["name"], user=signed_in(self.request._request))
        environment = self.request.query_params.get("environment", "")
        return deployment_selectors.of_model(model, environment)

    @extend_schema(parameters=[OpenApiParameter("environment", str, description="only what is there")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the deployments of a model, the newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=DeploymentBody, responses={201: DeploymentSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Record that a version serves; what served there of this model before is retired."""
        user = signed_in(request._request)
        access.get_model(name, user=user)
        body = DeploymentBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        version = access.get_version(name, given["version"], user=user)
        place = deployments.Place(given["environment"], given["url"], given["note"])
        made = deployments.record(version, place, user=user, at=given.get("at"), alongside=given["alongside"])
        return Response(DeploymentSerializer(made).data, status=201)


class Retirement(APIView):
    """The end of a deployment."""

    @extend_schema(request=RetirementBody, responses=DeploymentSerializer)
    def post(self, request: Request, name: str, number: int) -> Response:
        """Record that a deployment has ended; 409 if it had."""
        user = signed_in(request._request)
        found = deployment_selectors.get(access.get_model(name, user=user), number)
        if found is None:
            raise Http404(_("There is no such deployment."))
        body = RetirementBody(data=request.data)
        body.is_valid(raise_exception=True)
        ended = deployments.retire(found, user=user, at=body.validated_data.get("at"))
        return Response(DeploymentSerializer(ended).data)
