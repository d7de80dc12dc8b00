"""Chores: what has to be done again and again, whether anybody asks or not.

Every app registers its chores in `AppConfig.ready`. The dispatcher asks a worker by a message with the name;
a lease in the database lets one worker at a time do a chore, so that a message delivered twice does no harm.
A chore is a function without parameters. It must be idempotent, may be cut off anywhere and starts over the
next time; what it did is in the audit trail, not here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from experiments.models import SyncState
from experiments.stored_text import text


@dataclass(frozen=True)
class Chore:
    """One chore.

    :param name: at most 24 characters
    :param target: ``module:function``
    :param seconds: pause between two requests
    :param lease: seconds after which another worker may begin although nobody said that it ended
    :param wanted: ``module:function`` of what tells, by a cheap query, whether there is anything to do; the
        dispatcher asks it, so it loads no heavy library
    """

    name: str
    target: str
    seconds: float
    lease: int = 300
    wanted: str = ""

    @property
    def row(self) -> str:
        """Name of its row in `SyncState`."""
        return f"chore:{self.name}"

    def work(self) -> None:
        """Import the function and call it; only a worker does this."""
        _function(self.target)()

    def is_wanted(self) -> bool:
        """Say whether there is anything to do."""
        return not self.wanted or bool(_function(self.wanted)())


_chores: dict[str, Chore] = {}


def register(chore: Chore) -> None:
    """Add `chore`; registering an equal one again changes nothing.

    :raises ValueError: the name is taken by another chore
    """
    if _chores.setdefault(chore.name, chore) != chore:
        raise ValueError(f"The chore {chore.name!r} is registered already.")


def all_chores() -> list[Chore]:
    """Return every registered chore, ordered by name."""
    return sorted(_chores.values(), key=lambda chore: chore.name)


def do(name: str) -> bool:
    """Do the chore called `name` unless somebody else is doing it; return whether it was done here.

    What it raises is noted on its row, logged, and passed on.

    :raises KeyError: nobody registered it
    """
    chore = _chores[name]
    until = _acquire(chore)
    if until is None:
        return False
    changes: dict[str, Any] = {"lease_until": None}
    try:
        chore.work()
        changes |= {"succeeded_at": timezone.now(), "error": ""}
    except Exception as error:
        changes |= {"failed_at": timezone.now(), "error": text(str(error) or type(error).__name__, 1000)}
        raise
    finally:
        # Without effect if the lease ran out and somebody else has it.
        SyncState.objects.filter(name=chore.row, lease_until=until).update(**changes)
    return True


def _function(target: str) -> Callable[[], object]:
    module, _, name = target.partition(":")
    found: Callable[[], object] = getattr(importlib.import_module(module), name)
    return found


def _acquire(chore: Chore) -> Any:
    SyncState.objects.get_or_create(name=chore.row)
    now = timezone.now()
    until = now + timedelta(seconds=chore.lease)
    free = SyncState.objects.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now), name=chore.row)
    return until if free.update(lease_until=until) else None
