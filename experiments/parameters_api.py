"""REST interface of the run form: the parameters of a commit, with the values of an earlier job or run."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, launch_fields
from experiments.launch_opening import opening
from experiments.launch_page import parameters_of

_QUERY = ("ref", "from_job", "from_run", "from_experiment")


class FormParameterSerializer(serializers.Serializer[Any]):
    """One parameter (a `ParameterField`)."""

    key = serializers.CharField(source="parameter.key")
    type = serializers.CharField(source="parameter.type")
    default = serializers.JSONField(source="parameter.default", help_text="what the commit has")
    value = serializers.CharField(help_text="what the form begins with, as text")
    changed = serializers.BooleanField(help_text="whether that is another value than the commit's")
    help = serializers.CharField(source="parameter.help")
    locked = serializers.CharField(source="parameter.locked", help_text="why it cannot be changed, if so")


class LeftOutSerializer(serializers.Serializer[Any]):
    """A value of a run that the form cannot take (a `LeftOut`)."""

    key = serializers.CharField()
    value = serializers.CharField()
    reason = serializers.CharField()


class ParametersSerializer(serializers.Serializer[Any]):
    """What a run of a repository begins with."""

    ref = serializers.CharField()
    commit = serializers.CharField()
    run_commit = serializers.CharField(help_text="the commit of the run, if it is known here")
    parameters = FormParameterSerializer(many=True)
    left_out = LeftOutSerializer(many=True)


class RepositoryParameters(APIView):
    """The parameters of a commit."""

    @extend_schema(
        operation_id="repositories_parameters",
        responses=ParametersSerializer,
        parameters=[
            OpenApiParameter("ref", str, description="branch, tag or commit"),
            OpenApiParameter("from_run", str, description="MLflow's id of a run whose values are taken"),
            OpenApiParameter("from_job", int, description="pipeline job whose values are taken"),
            OpenApiParameter("from_experiment", int, description="DVC experiment whose values are taken"),
        ],
    )
    def get(self, request: Request, name: str) -> Response:
        """Return the parameters that a run may change, as the run form shows them."""
        _who, row = access.repository_for(request._request, name)
        query = {key: str(request.query_params[key]) for key in _QUERY if key in request.query_params}
        found = opening(row, query)
        if found is None:
            raise Http404(_("There is no such job or run of this repository."))
        if found.target is None:
            raise ValidationError({"ref": found.problem})
        parameters, problem = parameters_of(found.target.commit)
        if problem:
            raise ValidationError({"ref": problem})
        sections = launch_fields.sections(parameters, found.prefill.values, {})
        answer = {
            "ref": found.target.ref,
            "commit": found.target.commit.sha,
            "run_commit": found.prefill.sha,
            "parameters": [one for section in sections for one in section.fields],
            "left_out": found.prefill.left_out,
        }
        return Response(ParametersSerializer(answer).data)
