"""Which runs are in production. This app knows no models; the one that does registers whom to ask."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from accounts.access import Person
from experiments.models import Run


@dataclass(frozen=True)
class ProductionRun:
    """The run behind the current Production version of a model.

    :ivar label: the model and its version, as people call them
    :ivar url: page of the version
    """

    run_id: str
    label: str
    url: str


Finder = Callable[[Person, Collection[Run]], list[ProductionRun]]

_finders: list[Finder] = []


def ask(finder: Finder) -> None:
    """Add `finder`, which returns the production runs of the models of some runs, the likeliest first.

    It tells nobody of a model that they do not see. The same again changes nothing.
    """
    if finder not in _finders:
        _finders.append(finder)


def of(user: Person, runs: Collection[Run]) -> list[ProductionRun]:
    """Return the runs in production of the models that `runs` belong to, the likeliest first."""
    return [found for finder in _finders for found in finder(user, runs)] if runs else []
