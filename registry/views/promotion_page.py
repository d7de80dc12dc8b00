"""The page of one promotion: whole, and the parts of it that keep themselves up to date."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import signed_in
from experiments.live import Live, Part
from registry import labels, review_page
from registry.forms import ReviewForm
from registry.models import Promotion
from registry.review_forms import CommentForm, FollowUpForm, WaiveForm

_PARTS = [
    Part("review-facts", "registry/_review_facts.html"),
    Part("review-verdict", "registry/_verdict.html"),
    Part("review-gates", "registry/_gates.html"),
    Part("review-metrics", "registry/_comparison.html"),
    Part("review-timeline", "registry/_timeline.html"),
    Part("review-buttons", "registry/_review_buttons.html"),
    Part("review-approvals", "registry/_approvals.html"),
    Part("review-evidence", "registry/_review_evidence.html"),
]
_SECONDS_OPEN = 5
_SECONDS_MOVING = 2
_SEEN_EVIDENCE = "evidence"


def show(
    request: HttpRequest,
    promotion: Promotion,
    *,
    form: ReviewForm | None = None,
    comment_form: CommentForm | None = None,
    waive_form: WaiveForm | None = None,
    follow_up_form: FollowUpForm | None = None,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page, or answer its poll.

    :param form: what was typed, where it comes back with errors; the other forms likewise
    :param conflict: why something that was asked could not be done
    """
    context = review_page.read(promotion, signed_in(request))
    context |= {
        "state": labels.promotion_state(promotion.state),
        "conflict": conflict,
        "form": form or ReviewForm(),
        "confirming": "confirm" in request.GET or bool(form and "confirm" in form.errors),
        "waiving": "waive" in request.GET or waive_form is not None,
        "is_outdated": request.GET.get(_SEEN_EVIDENCE, promotion.evidence_digest)
        != promotion.evidence_digest,
    }
    live = _live(request, promotion, context)
    if live.is_poll:
        return live.answer()
    about = request.GET.get("about", "")
    context["comment_form"] = comment_form or CommentForm(
        subjects=subjects(context), initial={"anchor": about}
    )
    if context["can_waive"]:
        initial = {"gate": request.GET.get("waive", "")}
        context["waive_form"] = waive_form or WaiveForm(gates=waivable(context), initial=initial)
    if context["can_follow_up"]:
        context["follow_up_form"] = follow_up_form or FollowUpForm()
    return render(request, "registry/promotion.html", {**context, "live": live}, status=status)


def subjects(context: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the page lets people remark on."""
    return review_page.subjects(context)


def waivable(context: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the gates that can be waived: name and words."""
    return [(line.name, line.label) for line in context["board"].waivable]


def _live(request: HttpRequest, promotion: Promotion, context: dict[str, Any]) -> Live:
    every = _SECONDS_OPEN if context["verdict"].is_open else 0
    if context["standing"].is_moving:
        every = _SECONDS_MOVING
    # The poll says which evidence the page shows, whatever has been frozen since.
    seen = request.GET.get(_SEEN_EVIDENCE, promotion.evidence_digest)
    query = {_SEEN_EVIDENCE: seen} | ({"confirm": ""} if context["confirming"] else {})
    address = f"{reverse('registry:promotion', args=[promotion.pk])}?{urlencode(query)}"
    return Live(request, _PARTS, context, every=every, address=address)
