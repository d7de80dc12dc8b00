"""REST interface of experiments, repositories and jobs: the operations and selectors of the pages."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, job_logs, job_priority, jobs, launches, query_values, runners
from experiments.job_states import JobState
from experiments.models import Job, Repository
from experiments.selectors import experiments as experiment_rows
from experiments.selectors import job as job_details
from experiments.selectors import jobs as job_lists
from experiments.selectors.jobs import JobFilter
from experiments.serializers import (
    ExperimentSerializer,
    JobBody,
    JobDetailSerializer,
    JobSerializer,
    LogSerializer,
    RepositorySerializer,
)

_LOG_LINES = 1000


class Experiments(generics.ListAPIView[Any]):
    """Experiments of MLflow."""

    serializer_class = ExperimentSerializer

    @extend_schema(parameters=[OpenApiParameter("q", str, description="part of the name")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the experiments, the last used first."""
        access.viewer(request._request)
        page = self.paginate_queryset(experiment_rows.rows(query_values.text(request, "q")))
        return self.get_paginated_response(ExperimentSerializer(page, many=True).data)


class Repositories(generics.ListAPIView[Repository]):
    """Connected repositories."""

    serializer_class = RepositorySerializer

    def get_queryset(self) -> QuerySet[Repository]:
        """Return the repositories by name."""
        if not getattr(self, "swagger_fake_view", False):
            access.viewer(self.request._request)
        return Repository.objects.order_by("name")


class Jobs(generics.ListAPIView[Any]):
    """Jobs."""

    serializer_class = JobSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=job_lists.states()),
            OpenApiParameter("kind", str),
            OpenApiParameter("mine", bool, description="only those that the reader submitted"),
            OpenApiParameter("repository", str),
            OpenApiParameter("person", str, description="name of who submitted them"),
            OpenApiParameter("sweep", int),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the jobs that pass the filters, newest first."""
        who = access.viewer(request._request)
        repository = query_values.text(request, "repository")
        wanted = JobFilter(
            state=query_values.choice(request, "state", job_lists.states()),
            kind=query_values.choice(request, "kind", [kind.name for kind in runners.all_kinds()]),
            submitter=who.user if query_values.flag(request, "mine") else None,
            repository=repository_named(repository) if repository else None,
            person=query_values.text(request, "person"),
            sweep=query_values.number(request, "sweep"),
            reader=who.user,
        )
        page = self.paginate_queryset(job_lists.matching(wanted).defer("result"))
        return self.get_paginated_response(
            JobSerializer(job_lists.summaries(list(page or [])), many=True).data
        )

    @extend_schema(request=JobBody, responses={202: JobDetailSerializer})
    def post(self, request: Request) -> Response:
        """Run a pipeline: everything is checked now, and the job runs when a worker is free."""
        who = access.viewer(request._request)
        body = JobBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        job = launches.launch(
            repository_named(given["repository"]),
            ref=given["ref"],
            overrides=given["params"],
            user=who.user,
            note=given["note"],
            register_as=given.get("register_as"),
            priority=job_priority.WORDS[given["priority"]],
            key=f"api:{who.user.pk}:{given['key']}" if "key" in given else None,
        )
        location = reverse("api-job", args=[job.pk])
        return Response(described(job, who), status=202, headers={"Location": location})


class JobView(APIView):
    """One job."""

    @extend_schema(operation_id="jobs_retrieve", responses=JobDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Return one job with its steps and result."""
        who, job = access.job_for(request._request, pk)
        return Response(described(job, who))


class JobCancel(APIView):
    """Cancelling a job."""

    @extend_schema(
        request=None,
        responses={200: JobDetailSerializer, 409: OpenApiResponse(description="It has finished already.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a job: at once when it waits; a running one ends within some twenty seconds."""
        who, job = access.job_for(request._request, pk)
        return Response(described(jobs.cancel(job, user=who.user), who))


class JobRetry(APIView):
    """Retrying a job."""

    @extend_schema(
        request=None,
        responses={
            200: JobDetailSerializer,
            409: OpenApiResponse(description="It waits, runs or succeeded."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Queue a job that failed or was cancelled again."""
        who, job = access.job_for(request._request, pk)
        return Response(described(jobs.retry(job, user=who.user), who))


class JobLogView(APIView):
    """The log of a job."""

    @extend_schema(
        parameters=[OpenApiParameter("after", int, description="number of the last line that is known")],
        responses=LogSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return at most 1000 lines after line `after`."""
        _who, job = access.job_for(request._request, pk)
        after = query_values.text(request, "after") or "0"
        if not (after.isascii() and after.isdecimal() and len(after) < 10):
            raise ValidationError({"after": _("This is not the number of a line.")})
        # The state was read before the lines: of a job that has ended then, none can be missing.
        ended = JobState(job.state).is_terminal
        found = job_logs.read(job, int(after), _LOG_LINES)
        return Response(LogSerializer(found, context={"ended": ended and not found.more}).data)


def described(job: Job, who: access.Viewer) -> Any:
    """Return everything about `job` that `who` may see."""
    detail = job_details.detail(job, who.user)
    return JobDetailSerializer(detail.summary, context={"detail": detail}).data


def repository_named(name: str) -> Repository:
    """Return the repository of this name; refuse a name that none has."""
    row = Repository.objects.filter(name=name).first()
    if row is None:
        raise ValidationError({"repository": _("There is no repository of this name.")})
    return row
