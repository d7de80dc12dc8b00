"""REST interface of the files of a run. What is not there yet is asked for, as by the page."""

import base64
from http import HTTPStatus
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, file_kinds, run_files
from experiments.models import RunFile
from experiments.run_serializers import ListingSerializer, RunFileContentSerializer
from experiments.selectors import run_files as selectors

_RETRY = {"Retry-After": "1"}


class RunFiles(APIView):
    """Files of a run."""

    @extend_schema(
        parameters=[
            OpenApiParameter("under", str, description="only what lies in this folder, at any depth")
        ],
        responses={200: ListingSerializer, 202: ListingSerializer},
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List the files of a run; 202 while a worker reads them, with what was known before."""
        _who, run = access.run_for(request._request, run_id)
        found = run_files.obtain([run])[run.pk]
        under = str(request.query_params.get("under", "")).strip("/")
        files = [one for one in selectors.all_of(run) if not under or one.path.startswith(f"{under}/")]
        shown = {
            "waits": found.waits,
            "listing": found.listing,
            "problem": found.problem,
            "files_page": files,
        }
        return Response(ListingSerializer(shown).data, **_status(found.waits))


class RunFileView(APIView):
    """The content of a file of a run."""

    @extend_schema(
        operation_id="runs_files_content",
        parameters=[OpenApiParameter("path", str, required=True)],
        responses={200: RunFileContentSerializer, 202: RunFileContentSerializer},
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return a small file as text or base64; 202 while a worker reads it. Larger ones MLflow has."""
        _who, run = access.run_for(request._request, run_id)
        path = str(request.query_params.get("path", ""))
        if not path:
            raise ValidationError({"path": _("Say which file.")})
        found = run_files.obtain([run], path=path)[run.pk]
        file = found.files[0] if found.files else None
        if file is None:
            if found.waits:
                return Response(_content(RunFile(run=run, path=path), None, waits=True), **_status(True))
            raise Http404(_("This run has no such file."))
        data = selectors.contents([file]).get(file.pk)
        waits = file.state == RunFile.State.ASKED
        return Response(_content(file, data, waits=waits), **_status(waits))


def _status(waits: bool) -> dict[str, Any]:
    return {"status": HTTPStatus.ACCEPTED, "headers": _RETRY} if waits else {}


def _content(file: RunFile, data: bytes | None, *, waits: bool) -> Any:
    text = None if data is None or file.media not in ("text", "empty") else file_kinds.text_of(data)
    encoded = None if data is None or text is not None else base64.b64encode(data).decode()
    names = ("path", "size", "kind", "state", "problem", "media")
    row = {name: getattr(file, name) for name in names}
    return RunFileContentSerializer({**row, "waiting": waits, "text": text, "base64": encoded}).data
