"""MLModelVersion against the whole grammar and order of Semantic Versioning 2.0.0, and our stage order."""

import copy
import pickle
import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.semver import MAX_LENGTH, MAX_NUMBER, MAX_PRE_KEY_LENGTH, MLModelVersion

# The expression that semver.org suggests, as an oracle that is independent of our own grammar.
OFFICIAL = re.compile(
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?\Z",
    re.ASCII,
)
ALPHABET = "0123456789ABCXYZabcrvdetlphz-"

numbers = st.one_of(st.integers(0, 12), st.integers(0, MAX_NUMBER))
numeric = st.one_of(st.integers(0, 12), st.integers(0, 10**25)).map(str)
stage_words = st.builds(
    "{}{}".format,
    st.sampled_from(["dev", "alpha", "beta", "rc"]),
    st.one_of(st.just(""), st.integers(0, 12), st.integers(0, 10**20), st.sampled_from(["00", "01", "010"])),
)
near_words = st.sampled_from(
    ["rc-1", "rca", "RC", "Dev", "de", "dev-2", "deva", "r", "-", "--", "0a", "preview", "alpha1b"]
)
free_words = st.text(ALPHABET, min_size=1, max_size=6).filter(lambda text: not text.isdigit())
identifiers = st.one_of(numeric, stage_words, near_words, free_words)
stages = st.lists(identifiers, min_size=1, max_size=3).map(".".join)
builds = st.lists(st.text(ALPHABET, min_size=1, max_size=5), min_size=1, max_size=3).map(".".join)


def spell(major: int, minor: int, patch: int, stage: str | None, build: str | None) -> str:
    tail = ("" if stage is None else f"-{stage}") + ("" if build is None else f"+{build}")
    return f"{major}.{minor}.{patch}{tail}"


texts = st.builds(spell, numbers, numbers, numbers, st.none() | stages, st.none() | builds).filter(
    lambda text: len(text) <= MAX_LENGTH
)
versions = texts.map(MLModelVersion)
close_texts = st.builds(spell, *[st.integers(0, 1)] * 3, st.none() | stages, st.none() | builds)
close_versions = close_texts.map(MLModelVersion)


def without_build(version: MLModelVersion) -> str:
    return str(version).partition("+")[0]


def test_the_specifications_example_reads_and_compares_as_it_says() -> None:
    first, second = MLModelVersion("1.2.3-rc1+exp42"), MLModelVersion("1.3.0")

    assert (first.major, first.minor, first.patch) == (1, 2, 3)
    assert (first.stage, first.build) == ("rc1", "exp42")
    assert (second.stage, second.build) == (None, None)
    assert first < second
    assert first.is_compatible(second)
    assert not first.is_compatible(MLModelVersion("2.0.0"))
    assert f"{first} {first!r}" == "1.2.3-rc1+exp42 1.2.3-rc1+exp42"


@given(texts)
def test_every_version_prints_as_it_was_written(text: str) -> None:
    version = MLModelVersion(text)

    assert str(version) == repr(version) == text
    assert OFFICIAL.match(text)


# Pieces that meet at every border of the grammar.
tokens = st.sampled_from(
    [
        "0",
        "00",
        "01",
        "1",
        "10",
        "0a",
        "a",
        "rc",
        "-",
        ".",
        "+",
        "--",
        "v",
        " ",
        "\n",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "é",
    ]
)
near_versions = st.builds(
    "{}{}".format,
    st.sampled_from(["", "1.0.0", "1.0.0-", "1.0.0-a.", "1.0.0+", "1."]),
    st.lists(tokens, max_size=5).map("".join),
)


@given(st.one_of(near_versions, st.text("0123rcabdev.-+ vA\n", max_size=14)))
def test_exactly_what_the_official_expression_matches_is_accepted(text: str) -> None:
    try:
        accepted = str(MLModelVersion(text)) == text
    except ValueError:
        accepted = False

    assert accepted == bool(OFFICIAL.match(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "MAJOR.MINOR.PATCH"),
        ("1.2", "MAJOR.MINOR.PATCH"),
        ("1.2.3\n", "MAJOR.MINOR.PATCH"),
        (" 1.2.3", "MAJOR.MINOR.PATCH"),
        ("1.2.3-", "MAJOR.MINOR.PATCH"),
        ("1.2.3-a..b", "MAJOR.MINOR.PATCH"),
        ("1.2.3+", "MAJOR.MINOR.PATCH"),
        ("1.2.3+a+b", "MAJOR.MINOR.PATCH"),
        ("1.2.3-한글", "MAJOR.MINOR.PATCH"),
        ("\N{ARABIC-INDIC DIGIT ONE}.2.3", "MAJOR.MINOR.PATCH"),
        ("v1.2.3", "'v' in front"),
        ("01.2.3", "leading zeros"),
        ("1.2.03", "leading zeros"),
        ("1.2.3-01", "leading zeros"),
        ("1.2.3-rc.01", "leading zeros"),
        (f"{MAX_NUMBER + 1}.0.0", "64-bit database column"),
        (f"1.0.0-{'a' * MAX_LENGTH}", "at most 128 characters"),
    ],
)
def test_what_is_not_a_version_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        MLModelVersion(text)


@pytest.mark.parametrize("value", [None, 1, 1.2, b"1.2.3", ["1.2.3"]])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=type(value).__name__):
        MLModelVersion(value)  # type: ignore[arg-type]


def test_the_longest_and_largest_versions_are_accepted() -> None:
    largest = MLModelVersion(f"{MAX_NUMBER}.{MAX_NUMBER}.{MAX_NUMBER}")
    longest = "1.0.0-" + "a" * (MAX_LENGTH - len("1.0.0-"))

    assert largest.major == MAX_NUMBER
    assert str(MLModelVersion(longest)) == longest
    with pytest.raises(ValueError, match="64-bit"):
        largest.bump_minor()


@pytest.mark.parametrize(
    "ascending",
    [
        "1.0.0 2.0.0 2.1.0 2.1.1 2.1.10 2.10.0 10.0.0",
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0",
        "1.0.0-dev 1.0.0-dev1 1.0.0-alpha 1.0.0-alpha2 1.0.0-beta 1.0.0-rc1 1.0.0-rc2 1.0.0-rc10 1.0.0",
        "1.0.0-rc 1.0.0-rc.1 1.0.0-rc1 1.0.0-rc.2 1.0.0-rc2 1.0.0-rc.10 1.0.0-rc10 1.0.0-rc.x",
        "1.0.0-1 1.0.0-2 1.0.0-10 1.0.0-dev 1.0.0-dev.dev 1.0.0-dev.alpha 1.0.0-RC1 1.0.0-alpha 1.0.0-beta",
        "1.0.0-beta 1.0.0-preview 1.0.0-rc 1.0.0-rc1 1.0.0-rc1.1 1.0.0-rc-1 1.0.0-rc1a 1.0.0-snapshot 1.0.0",
        "1.2.9 1.3.0-rc1 1.3.0 1.3.1-dev1",
        "1.0.0-1 1.0.0-dev 1.0.0-dev2 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta2 1.0.0-beta10"
        " 1.0.0-preview 1.0.0-rc 1.0.0-rc.1 1.0.0-rc1 1.0.0-rc.2 1.0.0-rc10 1.0.0",
    ],
)
def test_documented_orders_hold_for_every_pair(ascending: str) -> None:
    ordered = [MLModelVersion(text) for text in ascending.split()]

    for position, lower in enumerate(ordered):
        for higher in ordered[position + 1 :]:
            assert lower < higher
            assert lower <= higher
            assert higher > lower
            assert higher >= lower
            assert lower != higher


def test_the_stage_words_are_ordered_as_the_table_says() -> None:
    words = sorted(MLModelVersion.STAGE_ORDER, key=lambda word: MLModelVersion(f"1.0.0-{word}"))

    assert words == sorted(MLModelVersion.STAGE_ORDER, key=MLModelVersion.STAGE_ORDER.__getitem__)


def semver_rule_11(text: str) -> tuple[object, ...]:
    """SemVer's own precedence of a pre-release, written down independently."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in text.split("."))


@given(st.lists(st.one_of(numeric, near_words, free_words), min_size=1, max_size=3), st.data())
def test_without_our_stage_words_the_order_is_semvers_own(parts: list[str], data: st.DataObject) -> None:
    ours = re.compile(r"dev|(alpha|beta|rc)?[0-9]+|(dev|alpha|beta|rc)[0-9]+")
    others = data.draw(st.lists(st.one_of(numeric, near_words, free_words), min_size=1, max_size=3))
    assume(not any(ours.fullmatch(part) for part in parts + others if not part.isdigit()))
    left, right = ".".join(parts), ".".join(others)

    assert (MLModelVersion(f"1.0.0-{left}") < MLModelVersion(f"1.0.0-{right}")) == (
        semver_rule_11(left) < semver_rule_11(right)
    )


@given(close_versions, close_versions, close_versions)
def test_the_order_is_total(a: MLModelVersion, b: MLModelVersion, c: MLModelVersion) -> None:
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b) == (not a > b)
    assert (a < b) == (b > a)
    if a <= b and b <= c:
        assert a <= c
    low, middle, high = sorted([a, b, c])
    assert low <= middle <= high
    assert low <= high


@given(close_versions, close_versions)
def test_versions_are_equal_exactly_when_they_differ_in_build_alone(
    a: MLModelVersion, b: MLModelVersion
) -> None:
    assert (a == b) == (without_build(a) == without_build(b))
    if a == b:
        assert hash(a) == hash(b)


@given(versions, builds)
def test_build_counts_neither_for_equality_nor_for_hash_nor_for_order(
    version: MLModelVersion, build: str
) -> None:
    assume(len(without_build(version)) + len(build) < MAX_LENGTH)
    other = MLModelVersion(f"{without_build(version)}+{build}")

    assert version == other
    assert hash(version) == hash(other)
    assert not version < other
    assert not version > other


@given(st.lists(st.one_of(versions, close_versions), max_size=30))
def test_a_database_sorts_the_stored_columns_as_python_sorts_versions(found: list[MLModelVersion]) -> None:
    found = list({without_build(version): version for version in found}.values())
    rows = [(str(v), *v.sort_key, v.sort_key.pre_key.encode("ascii")) for v in found]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE TABLE v (version, major BIGINT, minor BIGINT, patch BIGINT, pre TEXT, raw BLOB)"
        )
        database.executemany("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?)", rows)
        by_text = database.execute("SELECT version FROM v ORDER BY major, minor, patch, pre").fetchall()
        by_bytes = database.execute("SELECT version FROM v ORDER BY major, minor, patch, raw").fetchall()

    assert by_text == by_bytes == [(str(version),) for version in sorted(found)]


@given(versions)
def test_the_stored_key_is_printable_ascii_of_bounded_length(version: MLModelVersion) -> None:
    assert re.fullmatch(r"[!-~]+", version.sort_key.pre_key)
    assert len(version.sort_key.pre_key) <= MAX_PRE_KEY_LENGTH


@pytest.mark.parametrize("atom", ["0", "9", "rc0", "rc", "dev", "dev0", "a", "alpha9", "00a"])
def test_no_pre_release_fills_more_than_the_documented_length(atom: str) -> None:
    room = MAX_LENGTH - len("0.0.0-")
    stage = ".".join([atom] * ((room + 1) // (len(atom) + 1)))

    assert len(MLModelVersion(f"0.0.0-{stage}").sort_key.pre_key) <= MAX_PRE_KEY_LENGTH


@given(st.builds(spell, *[st.integers(0, MAX_NUMBER - 1)] * 3, st.none() | stages, st.none() | builds))
def test_bumps_lead_to_later_releases_without_stage_and_build(text: str) -> None:
    assume(len(text) <= MAX_LENGTH)
    version = MLModelVersion(text)
    patch, minor, major = version.bump_patch(), version.bump_minor(), version.bump_major()

    assert version < version.next_candidate()
    assert version <= version.finalize() < patch < minor < major
    assert patch.sort_key[:3] == (version.major, version.minor, version.patch + 1)
    assert minor.sort_key[:3] == (version.major, version.minor + 1, 0)
    assert major.sort_key[:3] == (version.major + 1, 0, 0)
    assert {(bumped.stage, bumped.build) for bumped in (patch, minor, major)} == {(None, None)}


@pytest.mark.parametrize(
    ("version", "candidate"),
    [
        ("1.3.0", "1.3.1-rc1"),
        ("1.3.0+exp42", "1.3.1-rc1"),
        ("1.3.0-rc1", "1.3.0-rc2"),
        ("1.3.0-rc9+exp42", "1.3.0-rc10"),
        ("1.3.0-rc.9", "1.3.0-rc.10"),
        ("1.3.0-rc", "1.3.0-rc1"),
        ("1.3.0-rc01", "1.3.0-rc2"),
        ("1.3.0-dev3", "1.3.0-dev4"),
        ("1.3.0-exp-a", "1.3.0-exp-a.1"),
        ("1.3.0-rc.x", "1.3.0-rc.x.1"),
        ("1.3.0-x.beta7", "1.3.0-x.beta8"),
    ],
)
def test_the_next_candidate_counts_on(version: str, candidate: str) -> None:
    assert str(MLModelVersion(version).next_candidate()) == candidate


def test_the_next_candidate_of_a_release_may_aim_at_any_bump() -> None:
    release = MLModelVersion("1.3.4")

    assert str(release.next_candidate("minor")) == "1.4.0-rc1"
    assert str(release.next_candidate("major")) == "2.0.0-rc1"


def test_finalizing_drops_pre_release_and_build() -> None:
    candidate = MLModelVersion("1.3.0-rc2+exp42")

    assert str(candidate.finalize()) == candidate.core == "1.3.0"
    assert candidate.is_prerelease
    assert not candidate.finalize().is_prerelease


def test_a_version_cannot_be_changed() -> None:
    version = MLModelVersion("1.2.3")

    with pytest.raises(AttributeError, match="major"):
        version.major = 2
    with pytest.raises(AttributeError, match="major"):
        del version.major
    with pytest.raises(AttributeError, match="note"):
        version.note = "new"  # type: ignore[attr-defined]
    assert str(version) == "1.2.3"


@given(versions)
def test_copies_and_pickles_are_the_same_version(version: MLModelVersion) -> None:
    for twin in (copy.copy(version), copy.deepcopy(version), pickle.loads(pickle.dumps(version))):  # noqa: S301
        assert str(twin) == str(version)
        assert twin == version


def test_a_version_is_not_its_text() -> None:
    assert MLModelVersion("1.2.3") != "1.2.3"
    with pytest.raises(TypeError):
        MLModelVersion("1.2.3") < "1.2.4"  # noqa: B015
