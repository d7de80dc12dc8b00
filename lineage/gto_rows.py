"""Keeping the rows of GTO's tags equal to the tags of a repository. Runs in a worker."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from experiments.models import Repository
from experiments.stored_text import text
from integrations.git_history import Tag
from lineage import gto_tags
from lineage.models import GtoEvent

_MAX_NAME = 250
_TOLD = ("sha", "at", "version", "author", "message")


@transaction.atomic
def replace(repository: Repository, tags: Sequence[Tag]) -> int:
    """Bring the rows up to date with `tags`; return how many look like GTO's and are not well-formed."""
    # One writer at a time for each repository, as `history_index` has it.
    Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    parsed = [(tag, gto_tags.parse(tag.name)) for tag in tags if len(tag.name) <= _MAX_NAME]
    malformed = sum(gto_tags.looks_like_one(tag.name) for tag, found in parsed if found is None)
    versions = {
        (found.artifact, tag.sha): found.version
        for tag, found in sorted(parsed, key=lambda pair: pair[0].at)
        if found and found.action == gto_tags.REGISTER
    }
    wanted = {
        tag.name: _row(repository, tag, found, versions.get((found.artifact, tag.sha), ""))
        for tag, found in parsed
        if found
    }
    there = {row.tag: row for row in repository.gto_events.all()}
    stale = [row.pk for name, row in there.items() if name not in wanted or _differs(row, wanted[name])]
    GtoEvent.objects.filter(pk__in=stale).delete()
    kept = {name for name, row in there.items() if row.pk not in set(stale)}
    GtoEvent.objects.bulk_create(row for name, row in wanted.items() if name not in kept)
    return malformed


def _row(repository: Repository, tag: Tag, found: gto_tags.ParsedTag, version: str) -> GtoEvent:
    return GtoEvent(
        repository=repository,
        tag=tag.name,
        artifact=found.artifact,
        action=found.action,
        version=found.version or version,
        stage=found.stage,
        number=found.number,
        sha=tag.sha,
        author=text(tag.author, 250),
        at=tag.at,
        message=text(tag.message, 500),
        annotated=tag.annotated,
    )


def _differs(one: GtoEvent, other: GtoEvent) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in _TOLD)
