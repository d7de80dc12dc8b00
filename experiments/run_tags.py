"""Rules: the tags of a run that have a meaning here, and which tags people may write. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from integrations.errors import IntegrationError
from integrations.mlflow_limits import MAX_TAG_VALUE, checked_name

#: MLflow's own tag for what people write about a run.
NOTE = "mlflow.note.content"
#: A run that carries it, whatever its value, is left out of tables unless asked for.
ARCHIVED = "stagegate.archived"
MAX_CHANGES = 100
_OURS = ("mlflow.", "stagegate.")


class TagError(ValueError):
    """A tag that nobody may write, or that MLflow does not take; the message is for a person."""


@dataclass(frozen=True)
class TagChanges:
    """What happens to the tags of a run; the same again changes nothing.

    :ivar put: key -> value
    :ivar drop: keys of tags that are taken away where they are
    """

    put: Mapping[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()

    def needed(self, tags: Mapping[str, str]) -> TagChanges:
        """Return what is left to do for a run that has `tags`."""
        put = {key: value for key, value in self.put.items() if tags.get(key) != value}
        return TagChanges(put, self.drop & tags.keys())

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)


def changes(
    set_tags: Mapping[str, str],
    delete_tags: Iterable[str],
    *,
    note: str | None = None,
    archive: bool | None = None,
) -> TagChanges:
    """Return the changes that somebody asks for.

    :param note: the text about the run; empty takes it away, None leaves it
    :param archive: whether the run is archived from now on; None leaves it
    :raises TagError: a key or value is refused, a key is both set and taken away, or nothing is asked for
    """
    put, drop = dict(set_tags), set(delete_tags)
    for key in (*put, *drop):
        _check_key(key)
    for key, value in put.items():
        _check_value(key, value)
    if both := sorted(put.keys() & drop):
        raise TagError(f"{both[0]} cannot be set and taken away at once.")
    if len(put) + len(drop) > MAX_CHANGES:
        raise TagError(f"At most {MAX_CHANGES} tags can be changed at once.")
    if note:
        _check_value(NOTE, note)
        put[NOTE] = note
    elif note is not None:
        drop.add(NOTE)
    if archive:
        put[ARCHIVED] = "true"
    elif archive is not None:
        drop.add(ARCHIVED)
    found = TagChanges(put, frozenset(drop))
    if not found:
        raise TagError("There is nothing to change.")
    return found


def is_system(key: str) -> bool:
    """Say whether the tag `key` belongs to MLflow or to this product, so that nobody writes it by hand."""
    return key.startswith(_OURS)


def _check_key(key: str) -> None:
    if is_system(key):
        raise TagError(f"The tag {key[:80]} belongs to the system.")
    try:
        checked_name(key, "tag")
    except IntegrationError as error:
        raise TagError(error.message) from None


def _check_value(key: str, value: str) -> None:
    if len(value) > MAX_TAG_VALUE:
        raise TagError(f"The value of {key} has more than {MAX_TAG_VALUE} characters.")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise TagError(f"The value of {key} holds what cannot be stored.")
