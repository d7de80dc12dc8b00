"""Files, parameters and environments of compared runs side by side."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from experiments import access, compare_cells, compare_files, compare_request, compare_rows
from experiments.compare_address import CompareAddress
from experiments.compare_cells import Line
from experiments.confusion_matrix import matrix
from experiments.csv_tables import NoTableError
from experiments.file_kinds import Kind
from experiments.file_preview import is_image
from experiments.selectors import compare as comparisons
from experiments.selectors import compare_files as selectors
from experiments.selectors.compare import Compared
from experiments.selectors.compare_files import Offer, RunContent

#: What is no file and can be looked at in the same way.
PARAMS, ENVIRONMENT = "parameters", "environment"


@require_safe
def files(request: HttpRequest) -> HttpResponse:
    """Show the file at `?path=`, the parameters or the environment of the compared runs side by side."""
    who = access.viewer(request)
    words = request.GET.dict()
    found = comparisons.compare(compare_request.parse(request.GET.getlist("runs"), words), who.user)
    address = CompareAddress(request.GET, found.ids)
    runs = [one.run for one in found.runs]
    offer = selectors.offer(runs)
    path = words.get("path", "")
    what = "file" if path else ENVIRONMENT if words.get("what") == ENVIRONMENT else PARAMS
    context: dict[str, Any] = {
        "found": found,
        "what": what,
        "path": path,
        "offered": offer.files,
        "problem": offer.problem,
        "own_url": address.to("experiments:compare-files"),
        "back_url": address.to(what=None, path=None, other=None),
        "params_url": address.to("experiments:compare-files", what=None, path=None),
        "environment_url": address.to("experiments:compare-files", what=ENVIRONMENT, path=None),
        "kept": address.kept("path", "other", "what"),
        "other_kept": address.kept("other"),
        "embedded": "HX-Request" in request.headers,
    }
    context |= _shown(found.runs, offer, what, path, words.get("other", ""))
    context["waits"] = offer.waits or context.get("waits", False)
    name = "_compare_files" if context["embedded"] else "compare_files"
    return render(request, f"experiments/{name}.html", context)


def _shown(runs: Sequence[Compared], offer: Offer, what: str, path: str, other: str) -> dict[str, Any]:
    if not runs:
        return {"view": "nothing"}
    if what == PARAMS:
        return _texts(runs, [compare_files.lines_of(one.run.params) for one in runs], other)
    if what == ENVIRONMENT:
        return _environment(runs, offer.paths)
    contents = selectors.read([one.run for one in runs], path)
    waits = any(one.known.waits for one in contents)
    kind = next((one.kind for one in offer.files if one.path == path), "")
    if kind == Kind.IMAGE:
        images = list(zip(runs, map(_image, contents), strict=True))
        return {"view": "images", "waits": waits, "images": images}
    if kind == Kind.MATRIX:
        matrices = list(zip(runs, map(_matrix, contents), strict=True))
        return {"view": "matrices", "waits": waits, "matrices": matrices}
    return {**_texts(runs, [one.text for one in contents], other), "waits": waits}


def _texts(runs: Sequence[Compared], found: Sequence[str | None], other: str) -> dict[str, Any]:
    baseline = next((at for at, one in enumerate(runs) if one.is_baseline), 0)
    chosen = next((at for at, one in enumerate(runs) if one.run.run_id == other), None)
    made = compare_files.texts(found, baseline, chosen)
    return {
        "view": "texts",
        "texts": made,
        "states": list(zip(runs, made.states, strict=True)),
        "base": runs[baseline],
        "other": runs[made.other] if made.other is not None else None,
    }


def _environment(runs: Sequence[Compared], paths: Sequence[str]) -> dict[str, Any]:
    environments, waits = selectors.read_environments([one.run for one in runs], paths)
    baseline = next((at for at, one in enumerate(runs) if one.is_baseline), None)
    rows = compare_rows.of_texts("environment", environments, order=False)
    differing = [Line(row, compare_cells.cells(row, baseline)) for row in rows if row.differs]
    known = sum(bool(one) for one in environments)
    return {"view": "environment", "lines": differing, "all_rows": len(rows), "known": known, "waits": waits}


def _image(one: RunContent) -> str:
    """Return the address of an image that can be shown, else nothing."""
    if one.file is None or one.data is None or not is_image(one.file.media, one.file.facts):
        return ""
    return f"{reverse('experiments:run-file', args=[one.run.run_id])}?{urlencode({'path': one.file.path})}"


def _matrix(one: RunContent) -> Any:
    try:
        return matrix(one.text) if one.text is not None else None
    except NoTableError:
        return None
