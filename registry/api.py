"""REST interface of models and versions: the operations and selectors of the pages, as JSON."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from registry import access, registration, selectors
from registry.models import ModelVersion
from registry.serializers import (
    FileSerializer,
    ModelSerializer,
    QueuedJobSerializer,
    RegistrationBody,
    StageEventSerializer,
    VersionSerializer,
)


class Models(generics.ListAPIView[Any]):
    """Registered models with what is in their stages now."""

    serializer_class = ModelSerializer

    @extend_schema(parameters=[OpenApiParameter("q", str, description="part of the name")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the registered models by name."""
        page = self.paginate_queryset(
            selectors.models(request.query_params.get("q", ""), user=signed_in(request._request))
        )
        return self.get_paginated_response(ModelSerializer(selectors.model_rows(page or []), many=True).data)


class Model(APIView):
    """One registered model."""

    @extend_schema(responses=ModelSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return one registered model."""
        found = access.get_model(name, user=signed_in(request._request))
        return Response(ModelSerializer(selectors.model_rows([found])[0]).data)


class Versions(generics.ListAPIView[ModelVersion]):
    """Versions of a model."""

    serializer_class = VersionSerializer

    def get_queryset(self) -> QuerySet[ModelVersion]:
        """Return the versions, the highest semantic version first."""
        if getattr(self, "swagger_fake_view", False):
            return ModelVersion.objects.none()
        return selectors.versions_of(
            access.get_model(self.kwargs["name"], user=signed_in(self.request._request))
        )

    @extend_schema(request=RegistrationBody, responses={202: QueuedJobSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Queue the registration of a run as a version of this model."""
        body = RegistrationBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        access.check_not_hidden(name, user=signed_in(request._request))
        run = access.get_run(given["run_id"])
        job = registration.register(
            run,
            name,
            user=signed_in(request._request),
            version=given["version"],
            bump=given.get("bump", ""),
            reason=given["reason"],
        )
        return Response(QueuedJobSerializer(job).data, status=202)


class Version(APIView):
    """One version."""

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return one version, named by its semantic version or by MLflow's integer."""
        return Response(VersionSerializer(_version(request, name, version)).data)


class VersionMetadata(APIView):
    """The metadata of one version."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return all fields of the metadata; `unrecorded` names those that nobody filled in."""
        return Response(_version(request, name, version).metadata)


class VersionFiles(APIView):
    """The artifact manifest of one version."""

    @extend_schema(responses=FileSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return the artifacts as they were hashed at registration, by path."""
        return Response(FileSerializer(_version(request, name, version).manifest, many=True).data)


class VersionHistory(APIView):
    """The stage events of one version."""

    @extend_schema(responses=StageEventSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return every change of stage, the oldest first."""
        events = _version(request, name, version).stage_events.order_by("at", "pk")
        return Response(StageEventSerializer(events, many=True).data)


def _version(request: Request, name: str, version: str) -> ModelVersion:
    return access.get_version(name, version, user=signed_in(request._request))
