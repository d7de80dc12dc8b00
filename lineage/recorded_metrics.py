"""Rules: what was recorded of a version's metrics, by whom, beside what the rebuild measured. No database.

A commit, an MLflow run and a version may call the same metric by other names (`scores.val_cer`, `val_cer`,
`cer`). A name is taken for another one if it is the same, or if its last part is and nothing else has that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineage.rebuilt import State, Tolerance, compare_metrics
from registry.run_metadata import CANDIDATES

#: What MLflow measures of the machine.
_OF_THE_MACHINE = "system/"


class By(StrEnum):
    """Who recorded a metric."""

    COMMIT = "commit"
    RUN = "run"
    VERSION = "version"


@dataclass(frozen=True)
class RecordedMetrics:
    """The metrics of one version, by name, as each of the three recorded them.

    :ivar claimed: those of the version that speak for it, so that the rebuild has to produce them
    """

    commit: Mapping[str, Any]
    run: Mapping[str, Any]
    version: Mapping[str, Any]
    claimed: Collection[str] = ()

    def rows(self, rebuilt: Mapping[str, Any], tolerance: Tolerance) -> list[dict[str, Any]]:
        """Return a row for every metric, with who recorded it: of several the version, then the run."""
        names = list(dict.fromkeys((*self.commit, *rebuilt)))
        values, by = dict(self.commit), dict.fromkeys(self.commit, By.COMMIT)
        others: dict[str, tuple[Any, By]] = {}
        for told, who in ((self.run, By.RUN), (self.version, By.VERSION)):
            found = same_names(told, names)
            for name, value in told.items():
                if name in found:
                    values[found[name]], by[found[name]] = value, who
                elif not name.startswith(_OF_THE_MACHINE):
                    others[name] = (value, who)
        rows = compare_metrics(values, rebuilt, tolerance)
        rows = [{**row, "by": by.get(row["name"], "")} for row in rows]
        return rows + [self._unproduced(name, *told, tolerance) for name, told in others.items()]

    def _unproduced(self, name: str, value: Any, by: By, tolerance: Tolerance) -> dict[str, Any]:
        [row] = compare_metrics({name: value}, {}, tolerance)
        if row["state"] == State.MISSING and not (by == By.VERSION and name in self.claimed):
            row["state"] = State.NOT_PRODUCED.value
        return {**row, "by": by}


def same_names(told: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Return which of `names` those that are told stand for, as far as there is no doubt."""
    told, free = list(told), dict.fromkeys(names)
    found: dict[str, str] = {}
    for spelled in (str, _joined):
        known = {spelled(name): name for name in free}
        for name in told:
            alias = next((known[one] for one in map(spelled, _called(name)) if one in known), "")
            if name not in found and alias in free:
                found[name] = alias
                del free[alias]
    rest = [name for name in told if name not in found]
    theirs, ours = Counter(map(_last, free)), Counter(map(_last, rest))
    by_last = {_last(name): name for name in free}
    for name in rest:
        alias = next((one for one in map(_last, _called(name)) if theirs[one] == 1), "")
        if alias and ours[_last(name)] == 1:
            found[name] = by_last[alias]
    return found


def _called(name: str) -> tuple[str, ...]:
    """Return a name, and the others under which projects keep that metric."""
    return (name, *(CANDIDATES[name].metrics if name in CANDIDATES else ()))


def _joined(name: str) -> str:
    return name.replace("/", "_").replace(".", "_")


def _last(name: str) -> str:
    return name.replace("/", ".").rpartition(".")[2]
