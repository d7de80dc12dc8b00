"""Files of runs for tests, as a worker would have stored them."""

import io
from collections.abc import Mapping

from django.utils import timezone
from PIL import Image

from experiments.file_kinds import by_name
from experiments.file_reading import store_content
from experiments.models import Run, RunFile, RunListing


def png(width: int = 3, height: int = 2) -> bytes:
    """Return a small image."""
    made = io.BytesIO()
    Image.new("1", (width, height)).save(made, "png")
    return made.getvalue()


def store(run: Run, files: Mapping[str, bytes | None]) -> None:
    """Say that `run`, which has ended, has `files`; the contents that are not None are there."""
    sizes = [len(data or b"") for data in files.values()]
    known = {"read_at": timezone.now(), "final": True, "count": len(files), "size": sum(sizes)}
    RunListing.objects.update_or_create(run=run, defaults={**known, "used_at": timezone.now()})
    for path, data in files.items():
        row = RunFile.objects.create(run=run, path=path, kind=by_name(path), size=len(data or b""))
        if data is not None:
            store_content(row, data)
