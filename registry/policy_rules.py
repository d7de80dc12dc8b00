"""Rules: what a policy says, as plain data. No database, no Django."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from registry.stages import Stage

MAX_APPROVALS = 20
MAX_DAYS = 365
MAX_HOURS = 24 * 90


class PolicyError(ValueError):
    """A policy says something unusable.

    :ivar field: which of its fields
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class GateSetting:
    """One gate of a policy.

    :ivar gate: name of a gate, see `registry.gates`
    :ivar required: whether it blocks; otherwise it only informs
    :ivar config: its own settings, checked by the gate
    """

    gate: str
    required: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What a promotion to one stage needs.

    :ivar approvals: approvals by different people, none of them a requester (1 to 20)
    :ivar groups: names of the groups whose members' approvals count; empty: of everybody who may review
    :ivar author_requests: whether the author of the run counts as a requester, too
    :ivar expires_days: days after which an undecided request ends; None: never
    :ivar reminder_days: days of silence after which those who can act are reminded; None: never
    :ivar minimum_hours: hours that the version must have been in its stage before
    :ivar repair_drift: whether drift in MLflow is repaired without asking
    :ivar gates: in the order in which they are shown
    """

    approvals: int = 1
    groups: tuple[str, ...] = ()
    author_requests: bool = True
    expires_days: int | None = 14
    reminder_days: int | None = 3
    minimum_hours: int = 0
    repair_drift: bool = False
    gates: tuple[GateSetting, ...] = ()

    def __post_init__(self) -> None:
        _whole("approvals", self.approvals, 1, MAX_APPROVALS)
        _whole("minimum_hours", self.minimum_hours, 0, MAX_HOURS)
        for name in ("expires_days", "reminder_days"):
            value = getattr(self, name)
            if value is not None:
                _whole(name, value, 1, MAX_DAYS)
        names = [setting.gate for setting in self.gates]
        if len(names) != len(set(names)):
            raise PolicyError("gates", "A gate stands in the policy twice.")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON that `from_dict` reads back."""
        found = asdict(self)
        return {
            **found,
            "groups": list(self.groups),
            "gates": [
                {"gate": one.gate, "required": one.required, "config": dict(one.config)} for one in self.gates
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Rules":
        """Return the rules in `data`; what it leaves out has its default.

        :raises PolicyError: an unknown field, or a value of the wrong type or size
        """
        if not isinstance(data, Mapping):
            raise PolicyError("rules", "The policy has to be an object.")
        known = {one.name for one in fields(cls)}
        for name in data:
            if name not in known:
                raise PolicyError(str(name), f"A policy has no field {name!r}.")
        given = dict(data)
        for name in ("author_requests", "repair_drift"):
            if not isinstance(given.get(name, True), bool):
                raise PolicyError(name, "Yes or no is expected.")
        groups = given.get("groups", ())
        if not isinstance(groups, list | tuple) or not all(isinstance(one, str) and one for one in groups):
            raise PolicyError("groups", "A list of the names of groups is expected.")
        gates = given.get("gates", ())
        if not isinstance(gates, list | tuple):
            raise PolicyError("gates", "A list of gates is expected.")
        given["groups"] = tuple(dict.fromkeys(groups))
        given["gates"] = tuple(map(_setting, gates))
        return cls(**given)


def _setting(data: Any) -> GateSetting:
    if not isinstance(data, Mapping) or not isinstance(data.get("gate"), str):
        raise PolicyError("gates", "Each gate needs its name.")
    if set(data) - {"gate", "required", "config"}:
        raise PolicyError("gates", f"{data['gate']}: only gate, required and config are expected.")
    required, config = data.get("required", True), data.get("config", {})
    if not isinstance(required, bool) or not isinstance(config, Mapping):
        raise PolicyError("gates", f"{data['gate']}: required is yes or no, config an object.")
    return GateSetting(data["gate"], required, dict(config))


def _whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise PolicyError(name, f"A whole number from {least} to {most} is expected.")


#: What holds where nobody decided otherwise.
DEFAULTS: dict[Stage, Rules] = {
    Stage.STAGING: Rules(
        gates=(
            GateSetting("metadata"),
            GateSetting("bump"),
            GateSetting("model_files"),
            GateSetting("artifacts"),
            GateSetting("lineage"),
            GateSetting("smoke_test", required=False),
        )
    ),
    Stage.PRODUCTION: Rules(
        gates=(
            GateSetting("metadata"),
            GateSetting("metrics"),
            GateSetting("card"),
            GateSetting("bump"),
            GateSetting("final_version"),
            GateSetting("artifacts"),
            GateSetting("model_files"),
            GateSetting("lineage"),
            GateSetting("smoke_test"),
            GateSetting("reproduced", required=False),
        )
    ),
}
