"""REST interface of the queue and of single repositories: priorities, settings, results, experiments."""

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, applying, job_priority, repository_settings
from experiments.api import described
from experiments.models import DvcExperiment
from experiments.serializers import (
    ApplyBody,
    DvcExperimentSerializer,
    JobDetailSerializer,
    PriorityBody,
    RepositoryBody,
    RepositorySerializer,
)


class JobPriority(APIView):
    """The priority of a job."""

    @extend_schema(
        request=PriorityBody,
        responses={200: JobDetailSerializer, 409: OpenApiResponse(description="It does not wait any more.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Put a waiting job before or behind others."""
        who, job = access.job_for(request._request, pk)
        body = PriorityBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = job_priority.WORDS[body.validated_data["priority"]]
        return Response(described(job_priority.change(job, wanted, user=who.user), who))


class JobApply(APIView):
    """The result of a pipeline job for a branch."""

    @extend_schema(
        request=ApplyBody,
        responses={202: JobDetailSerializer, 409: OpenApiResponse(description="It has no result.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Have the result put onto a branch, as a commit on top of it."""
        who, job = access.job_for(request._request, pk)
        body = ApplyBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        key = f"api:{who.user.pk}:apply:{given['key']}" if "key" in given else None
        made = applying.submit(job, user=who.user, branch=given["branch"], note=given["note"], key=key)
        return Response(
            described(made, who), status=202, headers={"Location": reverse("api-job", args=[made.pk])}
        )


class RepositoryExperiments(generics.ListAPIView[DvcExperiment]):
    """The experiments that people made with DVC in a repository."""

    serializer_class = DvcExperimentSerializer

    def get_queryset(self) -> QuerySet[DvcExperiment]:
        """Return the experiments, newest first."""
        if getattr(self, "swagger_fake_view", False):
            return DvcExperiment.objects.none()
        _who, row = access.repository_for(self.request._request, self.kwargs["name"])
        return row.dvc_experiments.all()


class RepositoryView(APIView):
    """One connected repository."""

    @extend_schema(operation_id="repositories_retrieve", responses=RepositorySerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return one repository."""
        _who, row = access.repository_for(request._request, name)
        return Response(RepositorySerializer(row).data)

    @extend_schema(request=RepositoryBody, responses=RepositorySerializer)
    def patch(self, request: Request, name: str) -> Response:
        """Change how many of its pipelines run at a time, or whether applied results are pushed."""
        who, row = access.repository_for(request._request, name)
        body = RepositoryBody(data=request.data)
        body.is_valid(raise_exception=True)
        changed = repository_settings.change(row, user=who.user, **body.validated_data)
        return Response(RepositorySerializer(changed).data)
