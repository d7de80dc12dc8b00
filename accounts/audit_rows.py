"""How entries of the trail are shown: words, tone, address of what they are about, data to read."""

import json
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from accounts import audit_labels
from audit.models import AuditEntry

# Pages of other apps, which this one may know by address only.
_PAGES = {
    "job": "experiments:job",
    "run": "experiments:run",
    "repository": "experiments:repository",
    "model": "registry:model",
    "promotion": "registry:promotion",
}


@dataclass(frozen=True)
class EntryRow:
    """One entry as the page shows it.

    :ivar url: page of what it is about, empty where there is none; it may be gone meanwhile
    :ivar data: its facts as indented JSON, empty where there are none
    """

    entry: AuditEntry
    label: audit_labels.Label
    tone: str
    url: str
    data: str


def row(entry: AuditEntry) -> EntryRow:
    """Return `entry` as the page shows it."""
    facts = json.dumps(entry.data, indent=2, ensure_ascii=False, sort_keys=True) if entry.data else ""
    return EntryRow(
        entry, audit_labels.label(entry.event), audit_labels.tone(entry.event), _url(entry), facts
    )


def _url(entry: AuditEntry) -> str:
    kind, identifier = entry.target_kind, entry.target_id
    try:
        if kind == "version":
            model, _, version = identifier.rpartition("@")
            return reverse("registry:version", args=[model, version])
        if kind not in _PAGES:
            return ""
        name = entry.target_name if kind == "repository" else identifier
        return reverse(_PAGES[kind], args=[int(name) if kind in ("job", "promotion") else name])
    except (NoReverseMatch, ValueError):
        return ""
