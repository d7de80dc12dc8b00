"""REST interface of the table of runs, as rows and in groups: the selectors of its page."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments import access, query_values, run_columns, run_groups, sentences
from experiments.filters import FilterError
from experiments.group_serializers import GroupingSerializer
from experiments.models import Run
from experiments.selectors import run_groups as group_lists
from experiments.selectors import runs as run_lists
from experiments.selectors.run_matches import Matches, RunFilter, matching
from experiments.selectors.run_order import DEFAULT, is_known
from experiments.serializers import RunSerializer

_ARCHIVED = ("only", "all")
_FILTERS = [
    OpenApiParameter("experiment", str, description="MLflow's id of an experiment"),
    OpenApiParameter(
        "q",
        str,
        description="an expression such as `metrics.val_cer < 0.05 and params.optimizer = AdamW` "
        "(MLflow's search syntax is part of the language), a part of the name, or the beginning of "
        "the run id",
    ),
    OpenApiParameter("status", str, enum=run_lists.STATUSES),
    OpenApiParameter("archived", str, enum=_ARCHIVED, description="archived runs are left out if absent"),
]


class Runs(generics.ListAPIView[Run]):
    """Runs of MLflow, as the mirror has them."""

    serializer_class = RunSerializer

    @extend_schema(
        parameters=[
            *_FILTERS,
            OpenApiParameter(
                "sort",
                str,
                description="name, experiment, status, started, duration, user, metrics.<name>, "
                "params.<name> or tags.<name>; a minus in front means descending; runs without a value "
                "come last",
            ),
            OpenApiParameter(
                "columns",
                str,
                many=True,
                description="metrics.<name>, params.<name> and tags.<name>; all if absent",
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the runs that pass the filters, newest first."""
        access.viewer(request._request)
        sort = query_values.text(request, "sort") or DEFAULT
        if not is_known(sort):
            raise ValidationError({"sort": _("Runs cannot be sorted by this.")})
        found = _found(_wanted(request))
        columns = run_columns.chosen(request.query_params.getlist("columns"))
        page = self.paginate_queryset(run_lists.RunList(found, sort))  # type: ignore[arg-type]
        runs: Any = page
        listed = RunSerializer(runs, many=True, context={"columns": columns})
        return self.get_paginated_response(listed.data)


class RunGroups(APIView):
    """Runs in groups."""

    @extend_schema(
        parameters=[
            *_FILTERS,
            OpenApiParameter(
                "group",
                str,
                many=True,
                required=True,
                description=f"params.<name> or tags.<name>, at most {run_groups.MAX_KEYS}",
            ),
            OpenApiParameter(
                "columns",
                str,
                many=True,
                description=f"metrics.<name>, at most {run_groups.MAX_METRICS}; those of the table if absent",
            ),
        ],
        responses=GroupingSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the largest groups of the runs that pass the filters, with the mean of each metric."""
        access.viewer(request._request)
        keys = run_groups.keys(request.query_params.getlist("group"))
        if not keys:
            raise ValidationError({"group": _("Runs are grouped by parameters or tags.")})
        wanted = _wanted(request)
        chosen = run_columns.chosen(request.query_params.getlist("columns"))
        columns = chosen or run_lists.columns_on_offer(wanted.experiment).default
        found = group_lists.grouped(_found(wanted), keys, run_groups.measured(columns), wanted)
        return Response(GroupingSerializer(found).data)


def _wanted(request: Request) -> RunFilter:
    return RunFilter(
        experiment=query_values.text(request, "experiment"),
        text=query_values.text(request, "q"),
        status=query_values.choice(request, "status", run_lists.STATUSES),
        archived=query_values.choice(request, "archived", _ARCHIVED),
    )


def _found(wanted: RunFilter) -> Matches:
    try:
        return matching(wanted)
    except FilterError as error:
        place = _("From character %(start)d on: %(reason)s") % {
            "start": error.start + 1,
            "reason": sentences.translated(str(error)),
        }
        raise ValidationError({"q": place}) from error
