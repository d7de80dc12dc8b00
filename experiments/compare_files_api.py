"""REST interface of files, parameters and environments of compared runs."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, compare_files, compare_request
from experiments.models import Run
from experiments.selectors import compare_files as selectors

_MAX_PATH = 500


class OfferedSerializer(serializers.Serializer[Any]):
    """A path at which at least one run has a file that can be compared."""

    path = serializers.CharField()
    kind = serializers.CharField()
    runs = serializers.IntegerField(help_text="how many of the runs have it")


class DiffLineSerializer(serializers.Serializer[Any]):
    """One line of a difference."""

    kind = serializers.CharField(help_text="same, removed or added")
    old = serializers.IntegerField(allow_null=True)
    new = serializers.IntegerField(allow_null=True)
    text = serializers.SerializerMethodField()

    def get_text(self, line: Any) -> str:
        """Return the whole line."""
        return "".join(part.text for part in line.parts)


class CompareFilesSerializer(serializers.Serializer[Any]):
    """What there is, and the text of the second run against that of the first."""

    waiting = serializers.BooleanField(help_text="files are being read: ask again in a second")
    files = OfferedSerializer(many=True)
    environments = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()), help_text="of each run"
    )
    states = serializers.ListField(
        child=serializers.CharField(), help_text="of each run: baseline, same, differs or missing"
    )
    lines = DiffLineSerializer(many=True, help_text="changed lines with three around them")


class CompareFilesView(APIView):
    """Files of runs beside each other."""

    @extend_schema(
        operation_id="compare_files_retrieve",
        parameters=[
            OpenApiParameter("runs", str, required=True, description="run ids; the first is the baseline"),
            OpenApiParameter("path", str, description="of a text file; the parameters if left out"),
        ],
        responses=CompareFilesSerializer,
    )
    def get(self, request: Request) -> Response:
        """Compare a file of runs, or their parameters; what is not here yet is read by a worker."""
        access.viewer(request._request)
        asked = compare_request.parse(request.query_params.getlist("runs"), {})
        by_id = {run.run_id: run for run in Run.objects.filter(run_id__in=asked.runs)}
        runs = [by_id[name] for name in asked.runs if name in by_id]
        if len(runs) < len(asked.runs) or not runs:
            raise ValidationError({"runs": _("Not all of these runs are known.")})
        path = str(request.query_params.get("path", ""))
        if "\0" in path or len(path) > _MAX_PATH:
            raise ValidationError({"path": _("Control characters are not allowed.")})
        offer = selectors.offer(runs)
        contents = selectors.read(runs, path) if path else []
        found = [one.text for one in contents] or [compare_files.lines_of(run.params) for run in runs]
        environments, waits = selectors.read_environments(runs, offer.paths)
        made = compare_files.texts(found, 0, None)
        lines = [line for hunk in made.diff.hunks for line in hunk.lines] if made.diff else []
        answer = {
            "waiting": offer.waits or waits or any(one.known.waits for one in contents),
            "files": offer.files,
            "environments": environments,
            "states": made.states,
            "lines": lines,
        }
        return Response(CompareFilesSerializer(answer).data)
