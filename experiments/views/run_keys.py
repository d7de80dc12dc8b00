"""What may come next in a filter that is being written."""

from dataclasses import asdict

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from experiments import access
from experiments.filter_completion import MAX_TEXT, place
from experiments.selectors.run_keys import completions


@require_safe
def complete(request: HttpRequest) -> JsonResponse:
    """Return how the text `?q=` may go on: what may stand from `start` (in UTF-16 units) on."""
    access.viewer(request)
    text = request.GET.get("q", "")
    if len(text) > MAX_TEXT:
        return JsonResponse({"start": 0, "options": []})
    at = place(text)
    units = len(text[: at.start].encode("utf-16-le", "replace")) // 2
    return JsonResponse({"start": units, "options": [asdict(one) for one in completions(at)]})
