"""REST interface of the audit trail: the operations and reads of its page."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, OpenApiTypes, extend_schema
from rest_framework import generics, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import access, audit_export
from accounts.audit_filters import AuditFilterForm
from accounts.models import User
from accounts.roles import Permission
from audit import rows, search
from audit.models import AuditEntry
from audit.search import Filter

_FILTERS = [
    OpenApiParameter("person", str, description="whole name of who did it"),
    OpenApiParameter("model", str, description="name of the registered model that it concerns"),
    OpenApiParameter("event", str, description="an event, or its first word: `promotion`"),
    OpenApiParameter("target", str, description="kind, or `kind:id`, of what it was done to"),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="first instant, ISO 8601"),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="first instant that is too late"),
    OpenApiParameter("q", str, description="part of the name of a person, a target or a model"),
]


class EntryPages(CursorPagination):
    """`?cursor=` and `?page_size=` (at most 200), newest first."""

    ordering = "-sequence"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class EntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """One entry, in the form that is hashed and exported."""

    class Meta:
        model = AuditEntry
        fields = [
            "sequence",
            "at",
            "event",
            "actor_id",
            "actor_name",
            "target_kind",
            "target_id",
            "target_name",
            "model_name",
            "data",
            "prev_hash",
            "hash",
        ]


class Entries(generics.ListAPIView[AuditEntry]):
    """The audit trail."""

    serializer_class = EntrySerializer
    pagination_class = EntryPages

    @extend_schema(operation_id="audit_list", parameters=_FILTERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the entries that pass the filters, newest first."""
        user = _reader(request)
        access.require(user, Permission.AUDIT_READ, target=audit_export.TARGET)
        page = self.paginate_queryset(search.matching(_wanted(request, "cursor", "page_size")))
        return self.get_paginated_response([rows.of_entry(entry) for entry in page or []])


class Export(APIView):
    """The audit trail as a file."""

    @extend_schema(
        operation_id="audit_export",
        parameters=[*_FILTERS, OpenApiParameter("file", str, enum=audit_export.FORMATS, default="jsonl")],
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Send the entries that pass the filters, oldest first; noted in the trail.

        `bundle` is an archive with checkpoints, public key and verifier beside the entries.
        """
        user = _reader(request)
        access.require(user, Permission.AUDIT_READ, target=audit_export.TARGET)
        form = request.query_params.get("file", "jsonl")
        if form not in audit_export.FORMATS:
            names = ", ".join(audit_export.FORMATS)
            raise ValidationError({"file": _("Choose one of: %(names)s.") % {"names": names}})
        made = audit_export.export(user, _wanted(request, "file"), form)
        response = StreamingHttpResponse(made.chunks, content_type=made.content_type)
        response["Content-Disposition"] = f'attachment; filename="{made.name}"'
        return response


def _reader(request: Request) -> User:
    return access.signed_in(request._request)


def _wanted(request: Request, *others: str) -> Filter:
    """Return the filter in the address.

    Raises:
        ValidationError: a value cannot be understood, or nobody knows the parameter.
    """
    form = AuditFilterForm(request.query_params)
    unknown = set(request.query_params) - {*form.fields, *others}
    if unknown:
        raise ValidationError({name: _("There is no such filter.") for name in sorted(unknown)})
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return form.wanted()
