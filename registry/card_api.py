"""REST interface of model cards: the operations of the pages, as JSON."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from experiments import sentences
from registry import access, card, card_format, card_page, card_rendering
from registry.card_format import CardError
from registry.card_rendering import Shown
from registry.models import CardRevision, ModelVersion
from registry.views.cards import readme_file

_NUMBER_LIMIT = 1_000_000


class CardSerializer(serializers.ModelSerializer[CardRevision]):
    """A revision of a card, as it is stored and as it is read.

    `missing` names the required sections it lacks, and the placeholders that stand for nothing.
    """

    _found: Shown | None = None
    state = serializers.CharField(help_text="draft, in_review or approved")
    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")
    rendered = serializers.SerializerMethodField(help_text="sanitised HTML, placeholders filled")
    front_matter = serializers.SerializerMethodField(help_text="as it is stored, placeholders not filled")
    missing = serializers.SerializerMethodField()

    class Meta:
        model = CardRevision
        fields = [
            "model",
            "version",
            "number",
            "state",
            "digest",
            "summary",
            "by_name",
            "at",
            "decided_by_name",
            "decided_at",
            "missing",
            "front_matter",
            "text",
            "rendered",
        ]
        read_only_fields = fields

    def get_rendered(self, revision: CardRevision) -> str:
        """Return the HTML."""
        return self._shown(revision).html

    def get_missing(self, revision: CardRevision) -> list[str]:
        """Return what the card lacks."""
        return list(self._shown(revision).missing)

    def get_front_matter(self, revision: CardRevision) -> dict[str, Any]:
        """Return the front matter."""
        return card_format.parse(revision.text).fields

    def _shown(self, revision: CardRevision) -> Shown:
        if self._found is None:
            self._found = card_rendering.shown(revision.version, revision.text)
        return self._found


class CardBody(RequestBody):
    """A new text, or entries of the front matter to exchange in the newest one (null removes an entry)."""

    based_on = serializers.IntegerField(min_value=0, max_value=_NUMBER_LIMIT)
    text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    front_matter = serializers.DictField(required=False)
    summary = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=card.SUMMARY_LIMIT
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body without anything to keep."""
        if "text" not in attrs and "front_matter" not in attrs:
            raise serializers.ValidationError({"text": [_("Send the text, or entries of the front matter.")]})
        return attrs


class CardNumberBody(RequestBody):
    """Which revision is meant."""

    number = serializers.IntegerField(min_value=1, max_value=_NUMBER_LIMIT)


class CardReturnBody(CardNumberBody):
    """Which revision is meant, and what has to change."""

    reason = serializers.CharField(max_length=card.REASON_LIMIT)


class Card(APIView):
    """The card of a version."""

    @extend_schema(
        parameters=[OpenApiParameter("revision", int, description="an older revision")],
        responses=CardSerializer,
    )
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return the newest revision of the card, or an older one."""
        found = _version(request, name, version)
        return Response(_json(_revision(request, found)))

    @extend_schema(request=CardBody, responses=CardSerializer)
    def put(self, request: Request, name: str, version: str) -> Response:
        """Keep a new revision, a draft; 409 if `based_on` is not the newest any more."""
        found = _version(request, name, version)
        body = CardBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        saved = card.save(
            found,
            _text(found, given),
            user=signed_in(request._request),
            based_on=given["based_on"],
            summary=given["summary"],
        )
        return Response(_json(saved))


class Readme(APIView):
    """The card as a file."""

    @extend_schema(
        parameters=[
            OpenApiParameter("revision", int, description="an older revision"),
            OpenApiParameter("source", bool, description="keep the placeholders"),
        ],
        responses={(200, "text/markdown"): OpenApiTypes.STR},
    )
    def get(self, request: Request, name: str, version: str) -> HttpResponse:
        """Return `README.md` as the Hugging Face Hub reads it, placeholders filled."""
        found = _version(request, name, version)
        text = _revision(request, found).text
        keep = request.query_params.get("source", "false").lower() not in ("", "0", "false", "no")
        return readme_file(text if keep else card_rendering.readme(found, text))


class Submission(APIView):
    """Asking for the approval of a card."""

    @extend_schema(request=CardNumberBody, responses=CardSerializer)
    def post(self, request: Request, name: str, version: str) -> Response:
        """Ask for the approval of the newest revision."""
        return _decide(request, name, version, CardNumberBody, card.submit)


class Approval(APIView):
    """Approving a card."""

    @extend_schema(request=CardNumberBody, responses=CardSerializer)
    def post(self, request: Request, name: str, version: str) -> Response:
        """Approve the newest revision, which somebody else wrote."""
        return _decide(request, name, version, CardNumberBody, card.approve)


class Return(APIView):
    """Sending a card back."""

    @extend_schema(request=CardReturnBody, responses=CardSerializer)
    def post(self, request: Request, name: str, version: str) -> Response:
        """Send the newest revision back to its authors, or take its approval back."""
        return _decide(request, name, version, CardReturnBody, card.return_to_draft)


def _decide(
    request: Request, name: str, version: str, kind: type[RequestBody], operation: Callable[..., CardRevision]
) -> Response:
    found = _version(request, name, version)
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return Response(_json(operation(found, user=signed_in(request._request), **body.validated_data)))


def _text(found: ModelVersion, given: dict[str, Any]) -> str:
    """Return the text that is to be kept."""
    newest = card.newest(found) if "text" not in given else None
    text: str = given["text"] if "text" in given else (newest.text if newest else card.proposed(found))
    if not given.get("front_matter"):
        return text
    try:
        card_format.check_text(text)
        return str(card_format.parse(text).with_fields(given["front_matter"]))
    except CardError as error:
        raise ValidationError({"text": sentences.translated(str(error))}) from error


def _revision(request: Request, found: ModelVersion) -> CardRevision:
    number = card_page.number_of(request.query_params.get("revision"))
    if number is not None:
        return card_page.get(found, number)
    newest = card.newest(found)
    if newest is None:
        raise Http404(_("This version has no card yet."))
    newest.version = found
    return newest


def _version(request: Request, name: str, version: str) -> ModelVersion:
    return access.get_version(name, version, user=signed_in(request._request))


def _json(revision: CardRevision) -> Any:
    return CardSerializer(revision).data
