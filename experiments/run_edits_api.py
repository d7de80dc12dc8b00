"""REST interface of edits of runs."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_bodies import RequestBody
from experiments import access, run_edits
from experiments.models import Job
from experiments.selectors import job as job_details
from experiments.serializers import JobDetailSerializer


class RunEditBody(RequestBody):
    """What is changed of a run."""

    set_tags = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )
    delete_tags = serializers.ListField(child=serializers.CharField(), required=False)
    note = serializers.CharField(
        allow_blank=True, required=False, help_text="replaces the note; empty takes it away"
    )
    archive = serializers.BooleanField(
        required=False, help_text="true leaves the runs out of tables unless asked for, false takes it back"
    )


class RunEditsBody(RunEditBody):
    """What is changed of which runs."""

    run_ids = serializers.ListField(child=serializers.CharField(max_length=64), max_length=run_edits.MAX_RUNS)


class RunEdits(APIView):
    """Edits of runs."""

    @extend_schema(request=RunEditsBody, responses={202: JobDetailSerializer})
    def post(self, request: Request) -> Response:
        """Change tags and notes of runs, archive them or take them back: a job writes it to MLflow."""
        who = access.viewer(request._request)
        body = RunEditsBody(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        return accepted(run_edits.submit(given.pop("run_ids"), user=who.user, **given), who)


def accepted(job: Job, who: access.Viewer) -> Response:
    """Return the answer that says which job writes an edit."""
    detail = job_details.detail(job, who.user)
    answer = JobDetailSerializer(detail.summary, context={"detail": detail}).data
    return Response(answer, status=202, headers={"Location": reverse("api-job", args=[job.pk])})
