"""REST interface of promotions, rollbacks, bypasses and notices: the operations of the pages, as JSON."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import permissions_of, signed_in
from accounts.models import User
from registry import (
    access,
    bypass,
    comments,
    inbox,
    notices,
    promotion,
    promotion_renewal,
    rollback,
    selectors,
    verdict,
    waivers,
)
from registry.models import Notice, Promotion
from registry.promotion_serializers import (
    BypassBody,
    CommentBody,
    CommentSerializer,
    EvidenceSerializer,
    FollowUpBody,
    NoticeSerializer,
    PromotionBody,
    PromotionDetailSerializer,
    PromotionQuery,
    PromotionSerializer,
    ReadBody,
    ReviewBody,
    RollbackBody,
    WaiverBody,
    WaiverSerializer,
)
from registry.serializers import VersionSerializer

_FILTERS = [
    OpenApiParameter("state", str, enum=[*Promotion.State.values]),
    OpenApiParameter("waiting_for_me", bool, description="only those that the reader may decide about"),
]


@extend_schema_view(get=extend_schema(parameters=_FILTERS))
class Promotions(generics.ListAPIView[Promotion]):
    """Promotions, newest first."""

    serializer_class = PromotionSerializer

    def get_queryset(self) -> QuerySet[Promotion]:
        """Return the promotions that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Promotion.objects.none()
        asked = PromotionQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        user = signed_in(self.request._request)
        rows = selectors.promotions(user=user)
        if asked.validated_data["waiting_for_me"]:
            rows = inbox.needs_review_by(user, permissions_of(user))
        state = asked.validated_data["state"]
        return rows.filter(state=state) if state else rows

    @extend_schema(request=PromotionBody, responses={201: PromotionSerializer})
    def post(self, request: Request) -> Response:
        """Ask for a version to be moved to a stage."""
        given, user = _given(PromotionBody, request), signed_in(request._request)
        version = access.get_version(given["model"], given["version"], user=user)
        opened = promotion.open_for(version, given["to"], user=user, comment=given["comment"])
        return Response(PromotionSerializer(opened).data, status=201)


class PromotionDetail(APIView):
    """One promotion."""

    @extend_schema(responses=PromotionDetailSerializer)
    def get(self, request: Request, number: int) -> Response:
        """Return one promotion with its verdict, as the reader meets it."""
        return Response(_detail(request, number))


class Snapshots(APIView):
    """The evidence of a promotion."""

    @extend_schema(responses=EvidenceSerializer(many=True))
    def get(self, request: Request, number: int) -> Response:
        """Return every snapshot of the evidence, the oldest first; reviews name theirs by its digest."""
        found, _user = _found(request, number)
        return Response(EvidenceSerializer(found.snapshots.order_by("pk"), many=True).data)


class Reviews(APIView):
    """Verdicts on a promotion."""

    @extend_schema(request=ReviewBody, responses={201: PromotionDetailSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Give a verdict on the evidence with this digest."""
        given, (found, user) = _given(ReviewBody, request), _found(request, number)
        promotion.review(found, user=user, **given)
        return Response(_detail(request, number), status=201)


class Withdrawal(APIView):
    """Taking a request back."""

    @extend_schema(request=None, responses=PromotionDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Withdraw a promotion that is not decided yet."""
        found, user = _found(request, number)
        promotion.withdraw(found, user=user)
        return Response(_detail(request, number))


class Renewal(APIView):
    """Taking the evidence anew."""

    @extend_schema(request=None, responses=PromotionDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Freeze what is true now; approvals of the older evidence do not count any more."""
        found, user = _found(request, number)
        promotion_renewal.renew(found, user=user)
        return Response(_detail(request, number))


class Comments(APIView):
    """Remarks on a promotion."""

    @extend_schema(responses=CommentSerializer(many=True))
    def get(self, request: Request, number: int) -> Response:
        """Return the remarks, the oldest first."""
        found, _user = _found(request, number)
        return Response(CommentSerializer(found.comments.all(), many=True).data)

    @extend_schema(request=CommentBody, responses={201: CommentSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Remark on the promotion or, with an anchor, on one thing in it."""
        given, (found, user) = _given(CommentBody, request), _found(request, number)
        return Response(CommentSerializer(comments.add(found, user=user, **given)).data, status=201)


class Waivers(APIView):
    """Gates that were waived."""

    @extend_schema(responses=WaiverSerializer(many=True))
    def get(self, request: Request, number: int) -> Response:
        """Return the waivers, the oldest first."""
        found, _user = _found(request, number)
        return Response(WaiverSerializer(found.waivers.all(), many=True).data)

    @extend_schema(request=WaiverBody, responses={201: WaiverSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Let the promotion pass a gate that does not pass."""
        given, (found, user) = _given(WaiverBody, request), _found(request, number)
        return Response(WaiverSerializer(waivers.waive(found, user=user, **given)).data, status=201)


class FollowUp(APIView):
    """Looking at a bypass afterwards."""

    @extend_schema(request=FollowUpBody, responses=PromotionDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Note what somebody else than its author thinks of a bypass."""
        given, (found, user) = _given(FollowUpBody, request), _found(request, number)
        bypass.follow_up(found, user=user, **given)
        return Response(_detail(request, number))


class Rollback(APIView):
    """Production as it was before."""

    @extend_schema(responses=VersionSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        """Return the versions that Production can be rolled back to, the previous good one first."""
        model = access.get_model(name, user=signed_in(request._request))
        return Response(VersionSerializer(rollback.candidates(model), many=True).data)

    @extend_schema(request=RollbackBody, responses={201: PromotionSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Put a version that was approved before back into Production."""
        given, user = _given(RollbackBody, request), signed_in(request._request)
        model = access.get_model(name, user=user)
        version = access.get_version(name, given["to_version"], user=user)
        made = rollback.roll_back(model, version, user=user, reason=given["reason"], serving=given["serving"])
        return Response(PromotionSerializer(made).data, status=201)


class Bypass(APIView):
    """Emergencies."""

    @extend_schema(request=BypassBody, responses={201: PromotionSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Put a version into place without a review; somebody else has to look at it afterwards."""
        given, user = _given(BypassBody, request), signed_in(request._request)
        version = access.get_version(name, given["version"], user=user)
        made = bypass.bypass(version, given["to"], user=user, reason=given["reason"])
        return Response(PromotionSerializer(made).data, status=201)


class Notices(generics.ListAPIView[Notice]):
    """What the reader was told."""

    serializer_class = NoticeSerializer

    def get_queryset(self) -> QuerySet[Notice]:
        """Return the reader's notices, the newest first."""
        if getattr(self, "swagger_fake_view", False):
            return Notice.objects.none()
        user = signed_in(self.request._request)
        unread = self.request.query_params.get("unread") in ("1", "true", "True")
        return notices.unread(user) if unread else notices.of(user)

    @extend_schema(parameters=[OpenApiParameter("unread", bool, description="only what was not read yet")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the reader's notices."""
        return super().get(request, *args, **kwargs)


class ReadNotices(APIView):
    """Notices that were read."""

    @extend_schema(request=ReadBody, responses={204: None})
    def post(self, request: Request) -> Response:
        """Note that the reader has read their notices."""
        given = _given(ReadBody, request)
        notices.mark_read(signed_in(request._request), given["ids"])
        return Response(status=204)


def _given(body: type[Any], request: Request) -> dict[str, Any]:
    """Return the checked body of `request`."""
    asked = body(data=request.data)
    asked.is_valid(raise_exception=True)
    found: dict[str, Any] = asked.validated_data
    return found


def _found(request: Request, number: int) -> tuple[Promotion, User]:
    user = signed_in(request._request)
    return access.get_promotion(number, user=user), user


def _detail(request: Request, number: int) -> Any:
    found, user = _found(request, number)
    permissions = access.permissions_on(user, found.version.model)
    context = {"verdict": verdict.of(found, user, permissions)}
    return PromotionDetailSerializer(found, context=context).data
