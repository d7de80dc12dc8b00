"""Errors of the REST interface as problem details (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from experiments.jobs import WrongStateError
from registry.promotion import ConflictError

_CONTENT_TYPE = "application/problem+json"
# What was asked no longer fits what is stored; the message says what changed.
_CONFLICTS = (ConflictError, WrongStateError)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of an API view into a problem document; unknown exceptions stay errors of ours.

    Field errors stand under `errors` as {field: [message, ...]} and answer 422, since the request was
    well-formed JSON whose content cannot be accepted. The reasons of a conflict stand under `reasons`.
    """
    response = exception_handler(error, context)
    if isinstance(error, ValidationError):
        response = Response(status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if isinstance(error, _CONFLICTS):
        response = Response(status=HTTPStatus.CONFLICT)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    status = HTTPStatus(response.status_code)
    response.data = {**_document(status, _detail(error)), **_field_errors(error)}
    response.content_type = _CONTENT_TYPE
    return response


def response(status: HTTPStatus, detail: str) -> JsonResponse:
    """Return a problem document for what no view was asked about."""
    return JsonResponse(_document(status, detail), status=status, content_type=_CONTENT_TYPE)


def _document(status: HTTPStatus, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}


def _detail(error: Exception) -> str:
    if isinstance(error, ValidationError | exceptions.ValidationError):
        return _("The request was understood, but its content cannot be accepted.")
    if isinstance(error, Http404 | PermissionDenied):
        return str(error) or HTTPStatus(404 if isinstance(error, Http404) else 403).description
    return str(getattr(error, "detail", error))


def _field_errors(error: Exception) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        detail = error.detail
        return {"errors": detail if isinstance(detail, dict) else {"non_field_errors": detail}}
    if isinstance(error, ConflictError) and error.reasons:
        return {"reasons": list(error.reasons)}
    if isinstance(error, ValidationError):
        if hasattr(error, "error_dict"):
            return {"errors": error.message_dict}
        return {"errors": {"non_field_errors": error.messages}}
    return {}
