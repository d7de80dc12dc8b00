"""REST interface of experiments, runs, repositories and jobs: the operations and selectors of the pages."""

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

from experiments import access, job_logs, job_priority, jobs, launches, run_columns, runners, sentences
from experiments.filters import FilterError
from experiments.job_states import JobState
from experiments.models import Job, Repository, Run
from experiments.selectors import experiments as experiment_rows
from experiments.selectors import job as job_details
from experiments.selectors import jobs as job_lists
from experiments.selectors import runs as run_lists
from experiments.selectors.jobs import JobFilter
from experiments.selectors.run_matches import RunFilter, matching
from experiments.selectors.run_order import DEFAULT, is_known
from experiments.serializers import (
    ExperimentSerializer,
    JobBody,
    JobDetailSerializer,
    JobSerializer,
    LogSerializer,
    RepositorySerializer,
    RunSerializer,
)

_LOG_LINES = 1000
_TRUE = {"1": True, "true": True, "0": False, "false": False, "": False}


class Experiments(generics.ListAPIView[Any]):
    """Experiments of MLflow."""

    serializer_class = ExperimentSerializer

    @extend_schema(parameters=[OpenApiParameter("q", str, description="part of the name")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the experiments, the last used first."""
        access.viewer(request._request)
        page = self.paginate_queryset(experiment_rows.rows(_text(request, "q")))
        return self.get_paginated_response(ExperimentSerializer(page, many=True).data)


class Runs(generics.ListAPIView[Run]):
    """Runs of MLflow, as the mirror has them."""

    serializer_class = RunSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("experiment", str, description="MLflow's id of an experiment"),
            OpenApiParameter(
                "q",
                str,
                description="an expression such as `metrics.val_cer < 0.05 and params.optimizer = AdamW` "
                "(MLflow's search syntax is part of the language), a part of the name, or the beginning of "
                "the run id",
            ),
            OpenApiParameter("status", str, enum=run_lists.STATUSES),
            OpenApiParameter(
                "sort",
                str,
                description="name, experiment, status, started, duration, user, metrics.<name>, "
                "params.<name> or tags.<name>; a minus in front means descending; runs without a value "
                "come last",
            ),
            OpenApiParameter(
                "columns", str, many=True, description="metrics.<name> and params.<name>; all if absent"
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the runs that pass the filters, newest first."""
        access.viewer(request._request)
        sort = _text(request, "sort") or DEFAULT
        if not is_known(sort):
            raise ValidationError({"sort": _("Runs cannot be sorted by this.")})
        wanted = RunFilter(
            experiment=_text(request, "experiment"),
            text=_text(request, "q"),
            status=_choice(request, "status", run_lists.STATUSES),
        )
        try:
            found = matching(wanted)
        except FilterError as error:
            place = _("From character %(start)d on: %(reason)s") % {
                "start": error.start + 1,
                "reason": sentences.translated(str(error)),
            }
            raise ValidationError({"q": place}) from error
        columns = run_columns.chosen(request.query_params.getlist("columns"))
        page = self.paginate_queryset(run_lists.RunList(found, sort))  # type: ignore[arg-type]
        runs: Any = page
        listed = RunSerializer(runs, many=True, context={"columns": columns})
        return self.get_paginated_response(listed.data)


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
        repository = _text(request, "repository")
        wanted = JobFilter(
            state=_choice(request, "state", job_lists.states()),
            kind=_choice(request, "kind", [kind.name for kind in runners.all_kinds()]),
            submitter=who.user if _flag(request, "mine") else None,
            repository=repository_named(repository) if repository else None,
            person=_text(request, "person"),
            sweep=_number(request, "sweep"),
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
        after = _text(request, "after") or "0"
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


def _text(request: Request, name: str) -> str:
    """Return a text of the query; databases have no NUL."""
    text = str(request.query_params.get(name, ""))
    if "\0" in text:
        raise ValidationError({name: _("Control characters are not allowed.")})
    return text


def _choice(request: Request, name: str, choices: list[str] | tuple[str, ...]) -> str:
    text = _text(request, name)
    if text and text not in choices:
        raise ValidationError({name: _("Choose one of: %s.") % ", ".join(choices)})
    return text


def _number(request: Request, name: str) -> int | None:
    text = _text(request, name)
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValidationError({name: _("Write a number.")})
    return int(text) if text else None


def repository_named(name: str) -> Repository:
    """Return the repository of this name; refuse a name that none has."""
    row = Repository.objects.filter(name=name).first()
    if row is None:
        raise ValidationError({"repository": _("There is no repository of this name.")})
    return row


def _flag(request: Request, name: str) -> bool:
    text = _text(request, name).lower()
    if text not in _TRUE:
        raise ValidationError({name: _("Write true or false.")})
    return _TRUE[text]
