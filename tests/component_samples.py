"""Addresses of two pages that show every shared component, for the browser tests of the components."""

import json
from itertools import count
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.utils import timezone

from config.urls import urlpatterns as product_urls

_PAGE = Path(__file__).with_suffix(".html")
_polls = count()


class SampleForm(forms.Form):
    """A field of each kind; the first has an error when the form is bound."""

    name = forms.CharField(help_text="How others call it")
    kind = forms.ChoiceField(choices=[("crnn", "crnn")])
    stage = forms.ChoiceField(choices=[("s", "Staging")], widget=forms.RadioSelect)
    agree = forms.BooleanField(required=False)


def _figure() -> str:
    cells = [[float(row * column) for column in range(4)] for row in range(4)]
    # A heat map has a colour bar and texts; scattergl draws with WebGL: what the policy used to break.
    traces = [{"type": "heatmap", "z": cells}, {"type": "scattergl", "y": [1, 2, 3], "mode": "markers"}]
    return json.dumps({"data": traces, "layout": {"height": 300}})


def _components(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Version 1.3.0 is registered.")
    context: dict[str, Any] = {
        "sha": "0123456789abcdef" * 4,
        "now": timezone.now(),
        "jobs": ["queued", "running", "succeeded", "failed", "cancelled", "lost"],
        "gates": ["passed", "failed", "waived", "pending"],
        "rows": range(1, 6),
        "lines": range(1, 61),
        "page": Paginator(range(100), 10).page(2),
        "form": SampleForm({"kind": "crnn"}),
        "figure": _figure(),
    }
    return HttpResponse(
        engines["django"].from_string(_PAGE.read_text(encoding="utf-8")).render(context, request)
    )


def _poll(request: HttpRequest) -> HttpResponse:
    """Fail once, then send a last line: the page must have asked again."""
    if next(_polls) % 2 == 0:
        return HttpResponse(status=503)
    return HttpResponse('<li id="L61"><a href="#L61">61</a><span>line 61</span></li>')


def _fails(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=500)


urlpatterns = [
    path("sample/", _components),
    path("sample/poll/", _poll),
    path("sample/fails/", _fails),
    *product_urls,
]
