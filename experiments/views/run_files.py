"""The files of one run: folders, previews, and the contents that are kept here."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experiments import (
    access,
    file_preview,
    file_room,
    file_tree,
    harmless,
    reproduction_steps,
    run_files,
    run_page,
)
from experiments.file_kinds import IMAGES
from experiments.live import Part
from experiments.models import Run, RunFile
from experiments.selectors import run_files as selectors
from experiments.selectors.run_files import RunFiles

_SECONDS = 1
_ENTRIES = 200
_LARGEST = 10**7
# One element: a poll may find the file where the page began with what is known of its folder.
_TREE = Part("run-place", "experiments/_run_tree.html")
_FILE = Part("run-place", "experiments/_run_file.html")


@require_safe
def files(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show the folder or file at `?path=` and ask for what is missing; `?again` has all of it read anew."""
    who, row = access.run_for(request, run_id)
    path = request.GET.get("path", "").strip("/")
    if "again" in request.GET:
        run_files.renew(row)
        return redirect(_address(row, path))
    context = run_page.context(who, row, "files")
    found = run_files.obtain([row], path=path)[row.pk]
    file = found.files[0] if found.files else None
    given = _file(request, row, file) if file else _folder(request, row, path, found)
    context |= {"found": found, "path": path, "file": file, **given}
    context["mlflow_files"] = _in_mlflow(context, path)
    every = _SECONDS if found.waits else run_page.LIVE_SECONDS if context["frame"].is_live else 0
    part = _FILE if file else _TREE
    status = 404 if found.is_read and not found.waits and not file and not given["place"].is_there else 200
    return run_page.answer(
        request, "experiments/run_files.html", context, parts=[part], every=every, status=status
    )


@require_safe
def raw(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return the bytes of the file at `?path=` that are kept here, to be saved and never to be run.

    The type is what its content says: of an image its own, of text plain text, of anything else none.
    """
    _who, row = access.run_for(request, run_id)
    file = selectors.file_at(row, request.GET.get("path", ""))
    data = selectors.contents([file]).get(file.pk) if file else None
    if file is None or data is None:
        raise Http404(_("The content of this file is not kept here."))
    kind = f"image/{file.media}" if file.media in IMAGES else "application/octet-stream"
    kind = "text/plain; charset=utf-8" if file.media == "text" else kind
    disposition = content_disposition_header(as_attachment=True, filename=file.path.rpartition("/")[2])
    headers = {**harmless.HEADERS, "Content-Disposition": disposition or "attachment"}
    return HttpResponse(data, content_type=kind, headers=headers)


def _folder(request: HttpRequest, row: Run, path: str, found: RunFiles) -> dict[str, Any]:
    place = file_tree.look(selectors.all_of(row) if found.is_read else (), path)
    entries = Paginator([*place.folders, *place.files], _ENTRIES).get_page(request.GET.get("page"))
    return {
        "place": place,
        "page": entries,
        "command": reproduction_steps.download(row.run_id, path),
        "limit": file_room.PER_FILE,
    }


def _file(request: HttpRequest, row: Run, file: RunFile) -> dict[str, Any]:
    data = selectors.contents([file]).get(file.pk)
    start = _number(request.GET.get("from", "")) - 1
    shown = None
    if data is not None:
        look = request.GET.get("look", "")
        shown = file_preview.preview(
            file.path, file.kind, file.media, file.facts, data, look=look, start=max(0, start)
        )
    return {
        "shown": shown,
        "trail": file_tree.trail(file.path),
        "raw_url": f"{reverse('experiments:run-file', args=[row.run_id])}?{urlencode({'path': file.path})}",
        "command": reproduction_steps.download(row.run_id, file.path),
        "limit": file_room.PER_FILE,
    }


def _number(text: str) -> int:
    """Return the number of a row or line from an address; 1 if it is none."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
    return min(max(1, number), _LARGEST)


def _address(row: Run, path: str) -> str:
    address = reverse("experiments:run-files", args=[row.run_id])
    return f"{address}?{urlencode({'path': path})}" if path else address


def _in_mlflow(context: dict[str, Any], path: str) -> str:
    """Return MLflow's own page of the files."""
    end = f"/{path}" if path and path.isascii() and path.isprintable() else ""
    return f"{context['frame'].mlflow_url}/artifacts{end}"
