"""REST interface of the members of models: the operations of the page, as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from registry import access, members
from registry.member_rules import Part
from registry.models import Member, RegisteredModel


class MemberSerializer(serializers.ModelSerializer[Member]):
    """One part of one person in a model."""

    user = serializers.CharField(source="user.username")

    class Meta:
        model = Member
        fields = ["id", "user", "part"]
        read_only_fields = fields


class MembersSerializer(serializers.Serializer[Any]):
    """Who has which part in a model, and whether those without a part see it."""

    restricted = serializers.BooleanField()
    members = MemberSerializer(many=True)


class MemberBody(RequestBody):
    """Who gets which part."""

    user = serializers.CharField(max_length=150)
    part = serializers.ChoiceField(choices=[part.value for part in Part])


class RestrictionBody(RequestBody):
    """Whether those without a part in the model are kept out."""

    restricted = serializers.BooleanField()


class Members(APIView):
    """The members of a model."""

    @extend_schema(responses=MembersSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return the members, owners first."""
        model = access.get_model(name, user=signed_in(request._request))
        return Response(_all(model))

    @extend_schema(request=MemberBody, responses={201: MemberSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Give a person a part in the model; the same again changes nothing."""
        user = signed_in(request._request)
        model = access.get_model(name, user=user)
        body = MemberBody(data=request.data)
        body.is_valid(raise_exception=True)
        person = members.person_called(body.validated_data["user"])
        member = members.add(model, person, body.validated_data["part"], user=user)
        return Response(MemberSerializer(member).data, status=201)

    @extend_schema(request=RestrictionBody, responses=MembersSerializer)
    def patch(self, request: Request, name: str) -> Response:
        """Keep the model from those who have no part in it, or open it to everybody with a role."""
        user = signed_in(request._request)
        model = access.get_model(name, user=user)
        body = RestrictionBody(data=request.data)
        body.is_valid(raise_exception=True)
        members.set_restricted(model, body.validated_data["restricted"], user=user)
        return Response(_all(model))


class MemberView(APIView):
    """One part of one person in a model."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str, pk: int) -> Response:
        """Take the part away."""
        user = signed_in(request._request)
        member = access.get_member(access.get_model(name, user=user), pk)
        members.remove(member, user=user)
        return Response(status=204)


def _all(model: RegisteredModel) -> Any:
    return MembersSerializer({"restricted": model.restricted, "members": members.of(model)}).data
