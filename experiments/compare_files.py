"""Rules: one file, or the parameters, of compared runs beside each other. No database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments import text_diff
from experiments.text_diff import Diff

#: Longer texts are not compared by line: they may be saved and compared with a tool for it.
MAX_TEXT = 400_000


@dataclass(frozen=True)
class Texts:
    """The text of the baseline against that of the others.

    :ivar states: of each run: ``baseline``, ``same``, ``differs``, ``missing``
    :ivar other: the one that is shown against the baseline; None: there is none
    :ivar diff: None where one of both has no text, or one that is too long
    """

    states: tuple[str, ...]
    other: int | None
    diff: Diff | None
    is_long: bool


def texts(found: Sequence[str | None], baseline: int, chosen: int | None) -> Texts:
    """Return what differs between the texts of runs.

    :param baseline: place of the one that the others are compared with
    :param chosen: place of the one to show; None: the first that differs
    """
    base = found[baseline]
    states = tuple(
        "baseline" if at == baseline else "missing" if text is None else "same" if text == base else "differs"
        for at, text in enumerate(found)
    )
    others = [at for at in range(len(found)) if at != baseline]
    differing = [at for at in others if states[at] == "differs"]
    other = chosen if chosen in others else next(iter([*differing, *others]), None)
    text = found[other] if other is not None else None
    is_long = max(len(base or ""), len(text or "")) > MAX_TEXT
    there = base is not None and text is not None and not is_long
    return Texts(states, other, text_diff.of(base or "", text or "") if there else None, is_long)


def lines_of(params: Mapping[str, Any]) -> str:
    """Return parameters as a text that can be compared line by line."""
    return "".join(f"{key}: {params[key]}\n" for key in sorted(params))
