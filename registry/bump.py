"""How far a new version must move from the one before it, and why. No database, no Django.

MAJOR if the architecture or the input or output schema changed, MINOR if data or parameters changed, PATCH
otherwise (the code alone, or nothing that is recorded). What one side does not know cannot be compared: it
asks for no bump, and the proposal names it.

The version before is the latest release (`baseline`), not a candidate: `1.3.0-rc1` and `1.3.0-rc2` both
answer for what changed since `1.2.0`. The first version of a model is `1.0.0`, because here a shared MAJOR
promises compatibility from the start and "not ready yet" is said by the stage, not by a zero.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from registry.semver import MLModelVersion

FIRST_VERSION = MLModelVersion("1.0.0")

#: Longest value that a reason spells out, in characters.
_SHOWN = 60


class Bump(IntEnum):
    """Which number of the core must grow; a larger member is a stronger change."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        """`patch`, `minor` or `major`: what is stored and sent."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> "Bump":
        """Return the bump called `word`, in any mixture of cases.

        :raises ValueError: there is no such bump
        """
        for bump in cls:
            if bump.word == word.strip().lower():
                return bump
        raise ValueError(f"There is no bump {word!r}; the bumps are major, minor and patch.")

    def apply(self, version: MLModelVersion) -> MLModelVersion:
        """Return the next release of `version` by this bump.

        :raises ValueError: its number would be too large to store
        """
        if self is Bump.MAJOR:
            return version.bump_major()
        return version.bump_minor() if self is Bump.MINOR else version.bump_patch()


@dataclass(frozen=True)
class VersionFacts:
    """What is compared of a version. An empty text or None means unknown.

    :ivar architecture: name of the architecture
    :ivar input_schema: a JSON value, or JSON text (spaces and order of keys do not count)
    :ivar output_schema: as `input_schema`
    :ivar datasets: path or name -> hash of its content
    :ivar params: dotted name -> value; 1 and 1.0 are the same value, 1 and true or "1" are not
    :ivar commit: Git commit
    """

    architecture: str = ""
    input_schema: Any = None
    output_schema: Any = None
    datasets: Mapping[str, str] | None = None
    params: Mapping[str, Any] | None = None
    commit: str = ""


@dataclass(frozen=True)
class Change:
    """One difference that asks for a bump; its text is the reason in words."""

    text: str
    bump: Bump

    def __str__(self) -> str:
        return f"{self.text}: {self.bump.name}"


@dataclass(frozen=True)
class Requirement:
    """The least bump that the differences ask for.

    :ivar changes: every difference, the strongest first
    :ivar unknown: what could not be compared, in words
    """

    bump: Bump
    changes: tuple[Change, ...]
    unknown: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The differences in words; never empty."""
        return tuple(map(str, self.changes)) or (f"nothing that is recorded changed: {self.bump.name}",)


@dataclass(frozen=True)
class Proposal:
    """The version that the product proposes.

    :ivar bump: required bump, None for the first version
    :ivar reasons: why, in words
    :ivar unknown: what could not be compared, in words
    """

    version: MLModelVersion
    bump: Bump | None
    reasons: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def baseline(existing: Iterable[MLModelVersion]) -> MLModelVersion | None:
    """Return the version that a new one is compared with: the latest release, None if there is no release."""
    return max((version for version in existing if not version.is_prerelease), default=None)


def required(previous: VersionFacts, candidate: VersionFacts) -> Requirement:
    """Return the least bump from `previous` to `candidate`, with every reason."""
    comparison = _Comparison()
    comparison.compare_text("architecture", previous.architecture, candidate.architecture, Bump.MAJOR)
    comparison.compare_schema("input schema", previous.input_schema, candidate.input_schema)
    comparison.compare_schema("output schema", previous.output_schema, candidate.output_schema)
    comparison.compare_items("data", "data ", previous.datasets, candidate.datasets)
    comparison.compare_items("parameters", "", previous.params, candidate.params)
    comparison.compare_text("code", previous.commit[:12], candidate.commit[:12], Bump.PATCH)
    changes = sorted(comparison.changes, key=lambda change: -change.bump)
    bump = changes[0].bump if changes else Bump.PATCH
    return Requirement(bump, tuple(changes), tuple(comparison.unknown))


def propose(
    previous_version: MLModelVersion | None,
    previous: VersionFacts,
    candidate: VersionFacts,
    taken: Collection[MLModelVersion] = (),
) -> Proposal:
    """Return the version to give to `candidate`.

    :param previous_version: see `baseline`; None means that the model has no release yet
    :param previous: facts of that version; without meaning when there is none
    :param taken: versions that exist already; the bump is repeated until its result is free
    :raises ValueError: the numbers have become too large to store
    """
    if previous_version is None:
        first = _free(FIRST_VERSION, Bump.MAJOR, taken)
        return Proposal(first, None, ("first version of the model",))
    requirement = required(previous, candidate)
    version = _free(requirement.bump.apply(previous_version), requirement.bump, taken)
    return Proposal(version, requirement.bump, requirement.reasons, requirement.unknown)


def candidate(
    previous: MLModelVersion | None, bump: Bump | None, taken: Collection[MLModelVersion] = ()
) -> MLModelVersion:
    """Return the next release candidate of the release that comes after `previous` by `bump`.

    `1.2.0` with MINOR gives `1.3.0-rc1`, and `1.3.0-rc3` where `1.3.0-rc2` is the highest candidate so far.

    :param previous: see `baseline`; None: the candidate is one of the first release
    :param taken: versions that exist already
    :raises ValueError: the numbers have become too large to store
    """
    release = FIRST_VERSION if previous is None else (bump or Bump.PATCH).apply(previous)
    before = [one for one in taken if one.core == release.core and (one.stage or "").startswith("rc")]
    return max(before).next_candidate() if before else MLModelVersion(f"{release.core}-rc1")


def bump_between(previous: MLModelVersion, chosen: MLModelVersion) -> Bump | None:
    """Return which number of the core grew from `previous` to `chosen`; None if the core did not grow.

    Pre-release and build do not count.
    """
    before = (previous.major, previous.minor, previous.patch)
    after = (chosen.major, chosen.minor, chosen.patch)
    if after <= before:
        return None
    if chosen.major > previous.major:
        return Bump.MAJOR
    return Bump.MINOR if chosen.minor > previous.minor else Bump.PATCH


def suffices(needed: Bump | None, previous: MLModelVersion | None, chosen: MLModelVersion) -> bool:
    """Return whether `chosen` moves far enough from `previous`; anything does for the first version."""
    if needed is None or previous is None:
        return True
    actual = bump_between(previous, chosen)
    return actual is not None and actual >= needed


def _free(version: MLModelVersion, bump: Bump, taken: Collection[MLModelVersion]) -> MLModelVersion:
    occupied = set(taken)
    while version in occupied:
        version = bump.apply(version)
    return version


class _Comparison:
    """Collects differences, and what could not be compared."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.unknown: list[str] = []

    def compare_text(self, subject: str, before: str, after: str, bump: Bump) -> None:
        if self._known(subject, bool(before), bool(after)) and before != after:
            self.changes.append(Change(f"{subject} {before} -> {after}", bump))

    def compare_schema(self, subject: str, before: Any, after: Any) -> None:
        if not self._known(subject, before not in (None, ""), after not in (None, "")):
            return
        before, after = _parsed(before), _parsed(after)
        if not _same(before, after):
            self.changes.append(Change(_change(subject, before, after), Bump.MAJOR))

    def compare_items(
        self, subject: str, prefix: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        if self._known(subject, before is not None, after is not None):
            texts = _item_changes(prefix, before or {}, after or {})
            self.changes.extend(Change(text, Bump.MINOR) for text in texts)

    def _known(self, subject: str, before: bool, after: bool) -> bool:
        if not before or not after:
            where = "either version" if before == after else f"the {'new' if before else 'previous'} version"
            self.unknown.append(f"{subject} not recorded for {where}")
        return before and after


def _item_changes(prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield f"{prefix}{name} added ({_shown(after[name])})"
        elif name not in after:
            yield f"{prefix}{name} removed (was {_shown(before[name])})"
        elif not _same(before[name], after[name]):
            yield _change(f"{prefix}{name}", before[name], after[name])


def _change(subject: str, before: Any, after: Any) -> str:
    left, right = _spelled(before), _spelled(after)
    if left == right:
        # The same letters, another type: the text "1" became the number 1.
        return f"{subject} {left} ({_type(before)}) -> {right} ({_type(after)})"
    if _shortened(left) == _shortened(right):
        return f"{subject} changed"
    return f"{subject} {_shortened(left)} -> {_shortened(right)}"


def _shown(value: Any) -> str:
    return _shortened(_spelled(value))


def _spelled(value: Any) -> str:
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _type(value: Any) -> str:
    return "text" if isinstance(value, str) else type(value).__name__


def _parsed(schema: Any) -> Any:
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except ValueError:
        return schema


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        # Only NaN differs from itself.
        return left == right or (left != left and right != right)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right)
