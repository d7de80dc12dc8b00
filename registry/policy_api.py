"""REST interface of policies: the operations of the pages, as JSON."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from experiments import sentences
from registry import access, policies
from registry.models import Policy, RegisteredModel
from registry.policies import REASON_LIMIT, Effective
from registry.policy_rules import DEFAULTS, PolicyError, Rules


class PastPolicySerializer(serializers.ModelSerializer[Policy]):
    """One number of a policy."""

    class Meta:
        model = Policy
        fields = ["number", "rules", "reason", "at", "by_name"]
        read_only_fields = fields


class PolicySerializer(serializers.Serializer[Effective]):
    """The rules that hold.

    `number` is that of the model's (or installation's) own policy, 0 where it has none; a change names it as
    `expected`. `whose` the rules are: the model's, the installation's or the product's.
    """

    model = serializers.SerializerMethodField()
    to_stage = serializers.CharField()
    number = serializers.IntegerField()
    whose = serializers.CharField(source="source")
    rules = serializers.SerializerMethodField()
    history = serializers.SerializerMethodField()

    def get_model(self, found: Effective) -> str | None:
        """Return the model's name."""
        return found.model.name if found.model else None

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_rules(self, found: Effective) -> dict[str, Any]:
        """Return the rules with every gate's settings."""
        return found.rules.to_dict()

    @extend_schema_field(PastPolicySerializer(many=True))
    def get_history(self, found: Effective) -> Any:
        """Return the newest numbers."""
        return PastPolicySerializer(policies.history(found.model, found.to_stage)[:50], many=True).data


class PolicyBody(RequestBody):
    """The rules from now on, and the number that they are based on."""

    rules = serializers.DictField()
    reason = serializers.CharField(max_length=REASON_LIMIT)
    expected = serializers.IntegerField(min_value=0)


class InstallationPolicy(APIView):
    """The policy of models that have none of their own."""

    @extend_schema(responses=PolicySerializer)
    def get(self, request: Request, stage: str) -> Response:
        """Return what holds for promotions to a stage, with its history."""
        return _answer(None, stage)

    @extend_schema(request=PolicyBody, responses=PolicySerializer)
    def put(self, request: Request, stage: str) -> Response:
        """Set the rules; 409 if somebody has changed them since the number in `expected`."""
        return _changed(request, None, stage)


class ModelPolicy(APIView):
    """The policy of one model."""

    @extend_schema(responses=PolicySerializer)
    def get(self, request: Request, name: str, stage: str) -> Response:
        """Return what holds for promotions of this model to a stage, with the history of its own policy."""
        return _answer(access.get_model(name, user=signed_in(request._request)), stage)

    @extend_schema(request=PolicyBody, responses=PolicySerializer)
    def put(self, request: Request, name: str, stage: str) -> Response:
        """Set the rules of this model; 409 if somebody has changed them since the number in `expected`."""
        return _changed(request, access.get_model(name, user=signed_in(request._request)), stage)


def _answer(model: RegisteredModel | None, stage: str) -> Response:
    return Response(PolicySerializer(policies.effective(model, _stage(stage))).data)


def _changed(request: Request, model: RegisteredModel | None, stage: str) -> Response:
    body = PolicyBody(data=request.data)
    body.is_valid(raise_exception=True)
    given = body.validated_data
    to_stage, user = _stage(stage), signed_in(request._request)
    try:
        rules = Rules.from_dict(given["rules"])
        policies.change(model, to_stage, rules, user=user, reason=given["reason"], expected=given["expected"])
    except PolicyError as error:
        raise ValidationError({f"rules.{error.field}": sentences.translated(str(error))}) from error
    except ValidationError as error:
        raise ValidationError({_place(name): texts for name, texts in error.message_dict.items()}) from error
    return _answer(model, stage)


def _place(name: str) -> str:
    """Return where in the body stands what the operation calls `name`."""
    return name if name in ("reason", "expected") else f"rules.{name}"


def _stage(text: str) -> str:
    if text not in {stage.value for stage in DEFAULTS}:
        raise Http404(_("Policies exist for Staging and Production."))
    return text
