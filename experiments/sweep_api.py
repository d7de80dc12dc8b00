"""REST interface of sweeps: the operations and selectors of their pages."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import require
from accounts.roles import Permission
from experiments import access, sweep_plan, sweeps
from experiments.api import repository_named
from experiments.models import Sweep
from experiments.selectors import sweeps as selectors
from experiments.sweep_serializers import (
    PlanSerializer,
    StopBody,
    SweepBody,
    SweepDetailSerializer,
    SweepSerializer,
)


class Sweeps(generics.ListAPIView[Sweep]):
    """Sweeps."""

    serializer_class = SweepSerializer

    @extend_schema(parameters=[OpenApiParameter("repository", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the sweeps, newest first."""
        access.viewer(request._request)
        name = str(request.query_params.get("repository", ""))
        page = self.paginate_queryset(selectors.matching(repository_named(name) if name else None))
        return self.get_paginated_response(SweepSerializer(page or [], many=True).data)

    @extend_schema(request=SweepBody, responses={202: SweepDetailSerializer})
    def post(self, request: Request) -> Response:
        """Start a sweep: everything is checked now, and its jobs run when workers are free."""
        who = access.viewer(request._request)
        body = SweepBody(data=request.data)
        body.is_valid(raise_exception=True)
        key = body.validated_data.get("key")
        made = sweeps.start(
            repository_named(body.validated_data["repository"]),
            body.asked(),
            user=who.user,
            key=f"api:{who.user.pk}:{key}" if key else None,
        )
        location = reverse("api-sweep", args=[made.pk])
        return Response(_described(made), status=202, headers={"Location": location})


class SweepPreview(APIView):
    """What a sweep would do."""

    @extend_schema(request=SweepBody, responses=PlanSerializer)
    def post(self, request: Request) -> Response:
        """Check and count a sweep without starting anything."""
        who = access.viewer(request._request)
        require(who.user, Permission.JOB_SUBMIT)
        body = SweepBody(data=request.data)
        body.is_valid(raise_exception=True)
        repository = repository_named(body.validated_data["repository"])
        return Response(PlanSerializer(sweep_plan.make(repository, body.asked())).data)


class SweepView(APIView):
    """One sweep."""

    @extend_schema(operation_id="sweeps_retrieve", responses=SweepDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Return one sweep with its trials."""
        _who, row = access.sweep_for(request._request, pk)
        return Response(_described(row))


class SweepStop(APIView):
    """Stopping a sweep."""

    @extend_schema(
        request=StopBody,
        responses={200: SweepDetailSerializer, 409: OpenApiResponse(description="It has finished.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Let a sweep start no further job, and cancel those that wait or run if asked."""
        who, row = access.sweep_for(request._request, pk)
        body = StopBody(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(_described(sweeps.stop(row, user=who.user, cancel=body.validated_data["cancel"])))


class SweepResume(APIView):
    """Resuming a sweep."""

    @extend_schema(
        request=None,
        responses={200: SweepDetailSerializer, 409: OpenApiResponse(description="It was not stopped.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Go on with a sweep that was stopped."""
        who, row = access.sweep_for(request._request, pk)
        return Response(_described(sweeps.resume(row, user=who.user)))


def _described(row: Sweep) -> Any:
    return SweepDetailSerializer(row, context={"detail": selectors.detail(row)}).data
