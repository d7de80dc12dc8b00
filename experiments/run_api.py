"""REST interface of one run: the operations and selectors of its page."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, run_edits, run_files
from experiments.models import Run
from experiments.run_edits_api import RunEditBody, accepted
from experiments.run_serializers import ReproductionSerializer, RunDetailSerializer
from experiments.selectors import run_children, run_frame, run_reproduction
from experiments.serializers import JobDetailSerializer, RunSerializer


class RunView(APIView):
    """One run."""

    @extend_schema(operation_id="runs_retrieve", responses=RunDetailSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        """Return everything that is known of one run, its files and curves apart."""
        _who, run = access.run_for(request._request, run_id)
        return Response(RunDetailSerializer(run, context={"frame": run_frame.frame(run)}).data)

    @extend_schema(request=RunEditBody, responses={202: JobDetailSerializer})
    def patch(self, request: Request, run_id: str) -> Response:
        """Change note and tags of a run, archive it or take it back: a job writes it to MLflow."""
        who, run = access.run_for(request._request, run_id)
        body = RunEditBody(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        return accepted(run_edits.submit([run.run_id], user=who.user, **given), who)


class RunChildren(generics.ListAPIView[Run]):
    """Runs that are nested in a run."""

    serializer_class = RunSerializer

    def get_queryset(self) -> QuerySet[Run]:
        """Return the nested runs, the first started first."""
        if getattr(self, "swagger_fake_view", False):
            return Run.objects.none()
        _who, run = access.run_for(self.request._request, self.kwargs["run_id"])
        return run_children.nested(run).select_related("experiment")


class RunReproduction(APIView):
    """Making a run again."""

    @extend_schema(responses=ReproductionSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        """Return the commands that make a run again, and what is missing for that."""
        _who, run = access.run_for(request._request, run_id)
        run_files.obtain([run])
        found = run_reproduction.reproduction(run, run_frame.frame(run).repository)
        return Response(ReproductionSerializer(found).data)
