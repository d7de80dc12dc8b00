"""Rules: addresses of a comparison. What is shown follows from its address, so that can be passed on."""

from collections.abc import Iterable

from django.http import QueryDict
from django.urls import reverse

#: What belongs to one request and not to the comparison.
_PASSING = ("seen", "add", "page", "format")


class CompareAddress:
    """The address of a comparison, from which others are made.

    :param query: what was asked
    :param runs: the ids that are compared; others are dropped
    """

    def __init__(self, query: QueryDict, runs: Iterable[str]) -> None:
        self._query = query.copy()
        for name in _PASSING:
            self._query.pop(name, None)
        self._runs = list(runs)
        self._query["runs"] = ",".join(self._runs)

    def __str__(self) -> str:
        return self.to()

    def to(self, view: str = "experiments:compare", **changes: str | None) -> str:
        """Return the address of `view` for this comparison, with words changed (None: taken away)."""
        query = self._query.copy()
        for name, value in changes.items():
            if value:
                query[name] = value
            else:
                query.pop(name, None)
        return f"{reverse(view)}?{query.urlencode(safe=',')}"

    def without(self, run: str) -> str:
        """Return the address without one of the runs."""
        rest = [name for name in self._runs if name != run]
        kept = self._query.get("baseline")
        return self.to(runs=",".join(rest), baseline=None if kept == run else kept)

    def with_run(self, run: str, **changes: str) -> str:
        """Return the address with one more run."""
        return self.to(runs=",".join([*self._runs, run]), **changes)

    def kept(self, *names: str) -> list[tuple[str, str]]:
        """Return the words that a form has to send along, without those called `names`."""
        return [
            (name, value) for name, values in self._query.lists() if name not in names for value in values
        ]
