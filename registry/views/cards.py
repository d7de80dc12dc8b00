"""The card of a version: read, edit, compare, decide, import and export."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import signed_in
from experiments import text_diff
from registry import access, card, card_format, card_page, card_rendering
from registry.card_forms import CardForm, DecisionForm, ReadmeForm
from registry.conflicts import ConflictError
from registry.models import CardRevision, ModelVersion
from registry.views.version import TABS

_DONE = {
    "submit": gettext_lazy("The card waits for its approval."),
    "approve": gettext_lazy("The card is approved."),
    "return": gettext_lazy("The card is a draft again."),
}


@require_safe
def card_tab(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Show the card, or with `?revision=` an older state of it."""
    return _tab(request, _version(request, name, version))


@require_POST
def start(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Start the card from the previous version's, or from what is recorded."""
    found = _version(request, name, version)
    card.start_by_hand(found, user=signed_in(request))
    return redirect("registry:version-card-edit", name, found.version)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Edit the card; a POST with `preview` shows what it would look like, another one keeps it."""
    found = _version(request, name, version)
    if request.method != "POST":
        newest = card.newest(found)
        text = newest.text if newest else card.proposed(found)
        initial = {"text": text, "based_on": newest.number if newest else 0}
        return _editor(request, found, CardForm(initial=initial), text)
    form = CardForm(request.POST)
    text = _text(found, request)
    if "preview" in request.POST or not form.is_valid():
        status = 200 if "preview" in request.POST else 422
        return _editor(request, found, form, text, status=status)
    return _save(request, found, form, text)


@require_POST
def preview(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Answer with the fragment that shows what the text would look like and what it lacks."""
    found = _version(request, name, version)
    return render(request, "registry/_card_preview.html", _preview(found, request.POST.get("text", "")))


@require_POST
def import_readme(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Keep an uploaded `README.md` as a new revision."""
    found = _version(request, name, version)
    form = ReadmeForm(request.POST, request.FILES)
    if not form.is_valid():
        return _tab(request, found, problem=_first_error(form), status=422)
    upload, based_on = form.cleaned_data["readme"], form.cleaned_data["based_on"]
    # One byte more than allowed is enough to be refused.
    content = upload.read(card_format.MAX_BYTES + 1) if upload.size > card_format.MAX_BYTES else upload.read()
    try:
        card.import_readme(found, content, user=signed_in(request), based_on=based_on)
    except ValidationError as error:
        return _tab(request, found, problem=" ".join(error.messages), status=422)
    except ConflictError as error:
        return _tab(request, found, problem=str(error), status=409)
    messages.success(request, _("The card is imported as a new revision."))
    return redirect("registry:version-card", name, found.version)


@require_safe
def readme(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Download the card as `README.md`, filled; `?source` keeps its placeholders."""
    found = _version(request, name, version)
    number = card_page.number_of(request.GET.get("revision"))
    revision = card.newest(found) if number is None else card_page.get(found, number)
    if revision is None:
        return redirect("registry:version-card", name, found.version)
    text = revision.text if "source" in request.GET else card_rendering.readme(found, revision.text)
    return readme_file(text)


@require_safe
def diff(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Compare two revisions (`?old=&new=`), or the card with that of another version (`?against=`).

    An htmx request, or `?fragment`, gets the differences alone.
    """
    found = _version(request, name, version)
    old, new, against = _compared(request, found)
    context = {
        "version": found,
        "old": old,
        "new": new,
        "against": against,
        "diff": text_diff.of(old.text if old else "", new.text if new else ""),
        "revisions": card_page.revisions(found),
        "tab": "card",
        "tabs": TABS,
    }
    alone = "fragment" in request.GET or request.headers.get("HX-Request") == "true"
    return render(request, "registry/_card_diff.html" if alone else "registry/card_diff.html", context)


@require_POST
def submit(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for the card's approval."""
    return _decide(request, name, version, "submit", card.submit)


@require_POST
def approve(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Approve the card."""
    return _decide(request, name, version, "approve", card.approve)


@require_POST
def return_to_draft(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Send the card back, with a reason."""
    reason = request.POST.get("reason", "")
    return _decide(request, name, version, "return", card.return_to_draft, reason=reason)


def readme_file(text: str) -> HttpResponse:
    """Return a card as a file to be saved."""
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, "README.md")
    return response


def _decide(
    request: HttpRequest, name: str, version: str, act: str, operation: Callable[..., Any], **given: str
) -> HttpResponse:
    found = _version(request, name, version)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _tab(request, found, problem=_first_error(form), act=act, status=422)
    try:
        operation(found, user=signed_in(request), number=form.cleaned_data["number"], **given)
    except ValidationError as error:
        return _tab(request, found, problem=" ".join(error.messages), act=act, status=422)
    except ConflictError as error:
        return _tab(request, found, problem=str(error), status=409)
    messages.success(request, str(_DONE[act]))
    return redirect("registry:version-card", name, found.version)


def _save(request: HttpRequest, found: ModelVersion, form: CardForm, text: str) -> HttpResponse:
    based_on, summary = form.cleaned_data["based_on"], form.cleaned_data["summary"]
    try:
        saved = card.save(found, text, user=signed_in(request), based_on=based_on, summary=summary)
    except ValidationError as error:
        for field, texts in error.message_dict.items():
            for message in texts:
                form.add_error(field if field in form.fields else None, message)
        return _editor(request, found, form, text, status=422)
    except ConflictError as error:
        return _conflict(request, found, form, text, str(error))
    messages.success(request, _("Revision %(number)d is saved.") % {"number": saved.number})
    return redirect("registry:version-card", found.model.name, found.version)


def _conflict(
    request: HttpRequest, found: ModelVersion, form: CardForm, text: str, problem: str
) -> HttpResponse:
    """Show both texts; saving once more puts the one on the page over the other."""
    newest = card.newest(found)
    again = CardForm(initial={**form.cleaned_data, "text": text, "based_on": newest.number if newest else 0})
    theirs = {
        "conflict": problem,
        "newest": newest,
        "diff": text_diff.of(newest.text if newest else "", text),
    }
    return _editor(request, found, again, text, status=409, **theirs)


def _editor(
    request: HttpRequest, found: ModelVersion, form: CardForm, text: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    refusals = card_page.refusals(found, signed_in(request))
    context = {"version": found, "form": form, "refusal": refusals["edit"], "tab": "card", "tabs": TABS}
    return render(
        request, "registry/card_edit.html", {**context, **_preview(found, text), **more}, status=status
    )


def _preview(found: ModelVersion, text: str) -> dict[str, Any]:
    problems: list[str] = []
    try:
        card.check(text)
    except ValidationError as error:
        problems = error.messages
    # What is far too long is not laid out on every key.
    too_long = len(text) > card_format.MAX_BYTES
    shown = card_rendering.shown(found, "" if too_long else text)
    return {
        "version": found,
        "shown": shown,
        "sections": card_page.sections(shown),
        "preview_problems": problems,
    }


def _tab(
    request: HttpRequest, found: ModelVersion, *, problem: str = "", act: str = "", status: int = 200
) -> HttpResponse:
    number = card_page.number_of(request.GET.get("revision"))
    context = {
        "version": found,
        "page": card_page.of(found, signed_in(request), number),
        "problem": problem,
        "act": act,
        "reason": request.POST.get("reason", ""),
        "tab": "card",
        "tabs": TABS,
    }
    return render(request, "registry/version_card.html", context, status=status)


def _compared(
    request: HttpRequest, found: ModelVersion
) -> tuple[CardRevision | None, CardRevision | None, ModelVersion | None]:
    number = card_page.number_of(request.GET.get("new"))
    new = card.newest(found) if number is None else card_page.get(found, number)
    if request.GET.get("against"):
        other = _version(request, found.model.name, request.GET["against"])
        return card.newest(other), new, other
    before = card_page.number_of(request.GET.get("old"))
    if before is None and new is not None:
        before = new.number - 1
    return (card_page.get(found, before) if before else None), new, None


def _version(request: HttpRequest, name: str, version: str) -> ModelVersion:
    return access.get_version(name, version, user=signed_in(request))


def _text(found: ModelVersion, request: HttpRequest) -> str:
    """Return the text that was sent, with the line ends that the card has: browsers send CRLF always."""
    newest = card.newest(found)
    return card_format.with_line_ends_of(newest.text if newest else "", request.POST.get("text", ""))


def _first_error(form: Any) -> str:
    return next((str(text) for texts in form.errors.values() for text in texts), "")
