"""Where evidence bundles that were made are kept, how long, and how much of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db.models import Sum
from django.utils import timezone

from lineage.models import BundleChunk, EvidenceBundle

#: How long a bundle can be fetched.
AGE = timedelta(days=1)
#: Bytes of one bundle, and of all together.
LARGEST = 128 * 1024**2
IN_ALL = 512 * 1024**2
_CHUNK = 1024**2


def fill(bundle: EvidenceBundle, file: Path) -> None:
    """Keep the content of `file` as that of `bundle`; within the caller's transaction."""
    with file.open("rb") as stream:
        for number, data in enumerate(iter(lambda: stream.read(_CHUNK), b"")):
            BundleChunk.objects.create(bundle=bundle, number=number, data=data)


def content(bundle: EvidenceBundle) -> Iterator[bytes]:
    """Yield the bytes of `bundle`, a stretch at a time. One query each."""
    for number in range(-(-bundle.size // _CHUNK)):
        yield bytes(BundleChunk.objects.values_list("data", flat=True).get(bundle=bundle, number=number))


def keep() -> None:
    """Forget bundles that are too old, and the oldest where all together are too large; the chore."""
    EvidenceBundle.objects.filter(made_at__lte=timezone.now() - AGE).delete()
    total = EvidenceBundle.objects.aggregate(total=Sum("size"))["total"] or 0
    for pk, size in list(EvidenceBundle.objects.order_by("pk").values_list("pk", "size")):
        if total <= IN_ALL:
            return
        EvidenceBundle.objects.filter(pk=pk).delete()
        total -= size
