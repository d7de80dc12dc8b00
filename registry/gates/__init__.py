"""The gates of promotions. Each module of this package that defines `GATE` is one gate: add a file, done."""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache

from registry.gates.gate import Facts, Gate, GateResult, Judged, Status
from registry.gates.options import SettingsError
from registry.policy_rules import GateSetting, PolicyError

_GONE = "This gate does not exist any more; the policy has to be edited."


@cache
def all_gates() -> Mapping[str, Gate]:
    """Return every gate by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [module.GATE for module in modules if hasattr(module, "GATE")]
    return {gate.name: gate for gate in found}


def configured(setting: GateSetting) -> GateSetting:
    """Return `setting` with its settings checked and completed.

    :raises PolicyError: there is no such gate
    :raises SettingsError: its settings are unusable
    """
    gate = all_gates().get(setting.gate)
    if gate is None:
        raise PolicyError("gates", f"There is no gate {setting.gate!r}.")
    return GateSetting(setting.gate, setting.required, gate.configure(setting.config))


def judge(facts: Facts, settings: Iterable[GateSetting]) -> tuple[Judged, ...]:
    """Return what every gate of a policy says about `facts`, in the policy's order.

    A gate that is no longer there, or no longer takes its settings, does not pass: a policy cannot lose a
    requirement by an upgrade.
    """
    return tuple(_judge(facts, setting) for setting in settings)


def _judge(facts: Facts, setting: GateSetting) -> Judged:
    gate = all_gates().get(setting.gate)
    if gate is None:
        return Judged(setting.gate, setting.required, GateResult(Status.FAILED, _GONE))
    try:
        config = gate.configure(setting.config)
    except SettingsError as error:
        reason = f"The policy has to be edited, because its settings cannot be used any more: {error}"
        return Judged(setting.gate, setting.required, GateResult(Status.FAILED, reason))
    return Judged(setting.gate, setting.required, gate.check(facts, config))
