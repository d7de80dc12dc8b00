"""REST shape of jobs that read what lies in DVC's cache or remote."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.response import Response

from experiments.models import Job


class ReadingSerializer(serializers.Serializer[Any]):
    """The job that reads."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()


def accepted(job: Job) -> Response:
    """Return the answer that `job` will do it."""
    headers = {"Location": reverse("api-job", args=[job.pk])}
    return Response(ReadingSerializer(job).data, status=202, headers=headers)
