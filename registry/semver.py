"""Semantic versions of models: `MAJOR.MINOR.PATCH[-STAGE][+BUILD]`. No database, no Django.

Grammar: Semantic Versioning 2.0.0 (https://semver.org/spec/v2.0.0.html, rules 2, 9 and 10), with two limits
that make every version storable: at most `MAX_LENGTH` characters, and core numbers that fit a signed 64-bit
column.

Order (a total order; compared from left to right, the first difference decides):

1. MAJOR, MINOR, PATCH as numbers.
2. A pre-release comes before its release.
3. Two pre-releases are compared as lists of atoms. The dot-separated identifiers are the atoms, except that
   one of the words `dev`, `alpha`, `beta`, `rc` with digits right behind it counts as two: `rc2` is read as
   `rc.2`. Atoms are compared as SemVer rule 11.4 says (numbers numerically and before words, words by ASCII
   code, the shorter of two otherwise equal lists first), with one exception: the word `dev` comes before all
   other words. With it `dev < alpha < beta < rc` holds; the other three are in ASCII order already.
4. Two spellings of one list (`rc.1`, `rc1`, `rc01`) are ordered by their ASCII codes, so that different
   pre-releases never compare equal.

BUILD counts for nothing: versions that differ in it alone are equal and have the same hash (rule 10).

    1.0.0-1 < 1.0.0-dev < 1.0.0-dev2 < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta2
    < 1.0.0-beta10 < 1.0.0-preview < 1.0.0-rc < 1.0.0-rc.1 < 1.0.0-rc1 < 1.0.0-rc.2 < 1.0.0-rc10 < 1.0.0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import total_ordering
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple, NoReturn

MAX_LENGTH = 128
MAX_NUMBER = 2**63 - 1
#: No version that `MLModelVersion` accepts has a longer `sort_key.pre_key`.
MAX_PRE_KEY_LENGTH = 400

#: The words whose trailing number counts as a number, by their place in the order.
STAGE_ORDER: Mapping[str, int] = MappingProxyType({"dev": 0, "alpha": 1, "beta": 2, "rc": 3})

BumpName = Literal["major", "minor", "patch"]

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_IDENTIFIER = r"[0-9A-Za-z-]+"
_GRAMMAR = re.compile(
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<stage>{_PRE_IDENTIFIER}(?:\.{_PRE_IDENTIFIER})*))?"
    rf"(?:\+(?P<build>{_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*))?"
)
_STAGE_WORD = re.compile(rf"(?P<word>{'|'.join(STAGE_ORDER)})(?P<number>[0-9]*)")
_LEADING_ZERO = re.compile(r"(?:^|[.-])0[0-9]+(?=[.+-]|$)")

# Bytes of the stored key, in the order in which they must sort. All of them are below the characters of an
# identifier (`-` is 0x2D), so a word ends before a longer word goes on.
_END, _AS_NUMBER, _AS_DEV, _AS_WORD, _AS_RELEASE = "!", "#", "$", "%", "~"


class SortKey(NamedTuple):
    """A version as four columns; `pre_key` is ASCII and sorts by its bytes."""

    major: int
    minor: int
    patch: int
    pre_key: str


@total_ordering
class MLModelVersion:
    """One immutable, hashable semantic version.

    :param version_str: for example ``1.2.3``, ``1.3.0-rc1`` or ``1.3.0-rc1+exp42``
    :ivar major: incompatible changes
    :ivar minor: compatible changes
    :ivar patch: repairs
    :ivar stage: the pre-release part without its hyphen, or None
    :ivar build: the build part without its plus sign, or None
    :ivar sort_key: columns by which a database sorts as Python does (`pre_key` compared by bytes)
    :raises ValueError: the text is not such a version; the message says why
    """

    STAGE_ORDER: ClassVar[Mapping[str, int]] = STAGE_ORDER

    __slots__ = ("build", "major", "minor", "patch", "sort_key", "stage")

    major: int
    minor: int
    patch: int
    stage: str | None
    build: str | None
    sort_key: SortKey

    def __init__(self, version_str: str) -> None:
        parts = _parse(version_str)
        major, minor, patch = (int(parts[name]) for name in ("major", "minor", "patch"))
        if max(major, minor, patch) > MAX_NUMBER:
            _refuse(version_str, f"its numbers may be at most {MAX_NUMBER} (a 64-bit database column)")
        values = {
            "major": major,
            "minor": minor,
            "patch": patch,
            "stage": parts["stage"],
            "build": parts["build"],
            "sort_key": SortKey(major, minor, patch, _pre_key(parts["stage"])),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"A version cannot be changed; make a new one instead of setting {name!r}.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"A version cannot be changed; {name!r} cannot be deleted.")

    def __reduce__(self) -> tuple[type[MLModelVersion], tuple[str]]:
        return MLModelVersion, (str(self),)

    def __str__(self) -> str:
        stage = "" if self.stage is None else f"-{self.stage}"
        build = "" if self.build is None else f"+{self.build}"
        return f"{self.core}{stage}{build}"

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MLModelVersion):
            return NotImplemented
        return self.sort_key == other.sort_key

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, MLModelVersion):
            return NotImplemented
        return self.sort_key < other.sort_key

    def __hash__(self) -> int:
        return hash(self.sort_key)

    @property
    def core(self) -> str:
        """`MAJOR.MINOR.PATCH` without pre-release and build."""
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def is_prerelease(self) -> bool:
        """Whether the version has a pre-release part."""
        return self.stage is not None

    def bump_major(self) -> MLModelVersion:
        """Return the next MAJOR release; like every bump it has no pre-release and no build.

        :raises ValueError: the number would not fit its column
        """
        return MLModelVersion(f"{self.major + 1}.0.0")

    def bump_minor(self) -> MLModelVersion:
        """Return the next MINOR release.

        :raises ValueError: the number would not fit its column
        """
        return MLModelVersion(f"{self.major}.{self.minor + 1}.0")

    def bump_patch(self) -> MLModelVersion:
        """Return the next PATCH release (of `1.3.0-rc1` that is `1.3.1`; `finalize` gives `1.3.0`).

        :raises ValueError: the number would not fit its column
        """
        return MLModelVersion(f"{self.major}.{self.minor}.{self.patch + 1}")

    def next_candidate(self, bump: BumpName = "patch") -> MLModelVersion:
        """Return the next version to try out.

        Of a release: the first candidate of the release after it (`1.3.0` -> `1.3.1-rc1`).
        Of a pre-release: the same core with the last number one higher (`rc1` -> `rc2`, `rc.1` -> `rc.2`,
        `dev3` -> `dev4`); without a number it gets its first one (`rc` -> `rc1`, `rc.x` -> `rc.x.1`).

        :param bump: which release comes after a release; without meaning for a pre-release
        :raises ValueError: the result would be too long or too large
        """
        if self.stage is not None:
            return MLModelVersion(f"{self.core}-{_next_stage(self.stage)}")
        following = {"major": self.bump_major, "minor": self.bump_minor, "patch": self.bump_patch}[bump]()
        return MLModelVersion(f"{following.core}-rc1")

    def finalize(self) -> MLModelVersion:
        """Return the release of this version: the core alone."""
        return MLModelVersion(self.core)

    def is_compatible(self, other: MLModelVersion) -> bool:
        """Return whether both have the same MAJOR, which promises compatibility."""
        return self.major == other.major


def _parse(text: str) -> re.Match[str]:
    if not isinstance(text, str):
        raise ValueError(f"A version is text such as '1.2.0', not {type(text).__name__}.")
    if len(text) > MAX_LENGTH:
        _refuse(text, f"it may have at most {MAX_LENGTH} characters (it has {len(text)})")
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        _refuse(text, _problem(text))
    return match


def _refuse(text: str, reason: str) -> NoReturn:
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    raise ValueError(f"{shown!r} is not a model version: {reason}.")


def _problem(text: str) -> str:
    if text[:1] in ("v", "V"):
        return "leave out the 'v' in front"
    if _LEADING_ZERO.search(text.partition("+")[0]):
        return "numbers have no leading zeros"
    return "expected MAJOR.MINOR.PATCH[-STAGE][+BUILD] as in Semantic Versioning 2.0.0, such as 1.3.0-rc1"


def _pre_key(stage: str | None) -> str:
    if stage is None:
        return _AS_RELEASE
    atoms = "".join(_identifier_key(identifier) for identifier in stage.split("."))
    return f"{atoms}{_END}{stage}"


def _identifier_key(identifier: str) -> str:
    if identifier.isdigit():
        return _number_key(identifier)
    stage_word = _STAGE_WORD.fullmatch(identifier)
    if stage_word is None:
        return _word_key(identifier)
    number = stage_word["number"]
    return _word_key(stage_word["word"]) + (_number_key(number) if number else "")


def _word_key(word: str) -> str:
    return _AS_DEV if word == "dev" else f"{_AS_WORD}{word}"


def _number_key(digits: str) -> str:
    # The count of digits first: then a larger number is always the larger text, however many digits it has.
    digits = digits.lstrip("0") or "0"
    return f"{_AS_NUMBER}{len(digits):02x}{digits}"


def _next_stage(stage: str) -> str:
    head, dot, last = stage.rpartition(".")
    stage_word = _STAGE_WORD.fullmatch(last)
    if last.isdigit():
        last = str(int(last) + 1)
    elif stage_word is not None:
        last = f"{stage_word['word']}{int(stage_word['number'] or 0) + 1}"
    else:
        last = f"{last}.1"
    return f"{head}{dot}{last}"
