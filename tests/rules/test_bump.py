"""The bump rule: what changed between two versions, and how far the version must move."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bump import (
    FIRST_VERSION,
    Bump,
    VersionFacts,
    baseline,
    bump_between,
    propose,
    required,
    suffices,
)
from registry.semver import MLModelVersion

BEFORE = VersionFacts(
    architecture="CNN-OCR",
    input_schema='[{"name": "image", "shape": [1, 16, 80]}]',
    output_schema=[{"name": "text"}],
    datasets={"data/raw": "a1b2", "data/labels": "c3d4"},
    params={"train.learning_rate": 0.001, "train.epochs": 8, "train.bidirectional": True},
    commit="1" * 40,
)
V120 = MLModelVersion("1.2.0")

values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(0, 2))
)
hashes = st.none() | st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2"]))
params = st.none() | st.dictionaries(st.sampled_from(["a", "b.c", "d"]), values)
facts = st.builds(
    VersionFacts,
    architecture=st.sampled_from(["", "CNN", "CRNN"]),
    input_schema=st.none() | values,
    output_schema=st.none() | values,
    datasets=hashes,
    params=params,
    commit=st.sampled_from(["", "1", "2"]),
)
versions = st.builds(
    lambda a, b, c, stage: MLModelVersion(f"{a}.{b}.{c}{stage}"),
    *[st.integers(0, 3)] * 3,
    st.sampled_from(["", "-rc1"]),
)


@pytest.mark.parametrize(
    ("change", "bump", "reason"),
    [
        ({"architecture": "CRNN"}, Bump.MAJOR, "architecture CNN-OCR -> CRNN: MAJOR"),
        (
            {"output_schema": [{"name": "words"}]},
            Bump.MAJOR,
            'output schema [{"name": "text"}] -> [{"name": "words"}]: MAJOR',
        ),
        (
            {"datasets": BEFORE.datasets | {"data/raw": "ffff"}},
            Bump.MINOR,
            "data data/raw a1b2 -> ffff: MINOR",
        ),
        ({"datasets": {"data/raw": "a1b2"}}, Bump.MINOR, "data data/labels removed (was c3d4): MINOR"),
        ({"datasets": BEFORE.datasets | {"new": "ffff"}}, Bump.MINOR, "data new added (ffff): MINOR"),
        (
            {"params": BEFORE.params | {"train.learning_rate": 0.0003}},
            Bump.MINOR,
            "train.learning_rate 0.001 -> 0.0003: MINOR",
        ),
        (
            {"params": BEFORE.params | {"train.bidirectional": False}},
            Bump.MINOR,
            "train.bidirectional true -> false: MINOR",
        ),
        (
            {"params": BEFORE.params | {"train.epochs": "8"}},
            Bump.MINOR,
            "train.epochs 8 (int) -> 8 (text): MINOR",
        ),
        ({"commit": "2" * 40}, Bump.PATCH, "code 111111111111 -> 222222222222: PATCH"),
        ({}, Bump.PATCH, "nothing that is recorded changed: PATCH"),
    ],
)
def test_each_change_asks_for_its_bump_and_says_so(change: dict[str, Any], bump: Bump, reason: str) -> None:
    requirement = required(BEFORE, replace(BEFORE, **change))

    assert requirement.bump is bump
    assert requirement.reasons == (reason,)
    assert requirement.unknown == ()


def test_the_strongest_change_decides_and_is_named_first() -> None:
    after = replace(BEFORE, architecture="CRNN", params=BEFORE.params | {"train.epochs": 9}, commit="2" * 40)

    assert [change.bump for change in required(BEFORE, after).changes] == [Bump.MAJOR, Bump.MINOR, Bump.PATCH]
    assert propose(V120, BEFORE, after).version == MLModelVersion("2.0.0")


@pytest.mark.parametrize(
    ("change", "proposed"),
    [
        ({"architecture": "CRNN"}, "2.0.0"),
        ({"datasets": {}}, "1.3.0"),
        ({"commit": "2"}, "1.2.1"),
        ({}, "1.2.1"),
    ],
)
def test_the_proposal_is_the_previous_version_bumped(change: dict[str, Any], proposed: str) -> None:
    proposal = propose(V120, BEFORE, replace(BEFORE, **change))

    assert str(proposal.version) == proposed
    assert proposal.bump is bump_between(V120, proposal.version)


def test_the_first_version_is_1_0_0_and_needs_no_bump() -> None:
    proposal = propose(None, VersionFacts(), BEFORE, taken=[MLModelVersion("1.0.0-rc1")])

    assert proposal.version == FIRST_VERSION == MLModelVersion("1.0.0")
    assert (proposal.bump, proposal.reasons) == (None, ("first version of the model",))


def test_a_version_that_is_taken_is_passed_over_by_the_same_bump() -> None:
    taken = [MLModelVersion(text) for text in ("1.3.0+exp1", "1.4.0", "1.5.0-rc1")]

    assert str(propose(V120, BEFORE, replace(BEFORE, datasets={}), taken).version) == "1.5.0"


def test_the_spelling_of_a_schema_does_not_count() -> None:
    respelled = [{"shape": [1, 16, 80], "name": "image"}]

    assert required(BEFORE, replace(BEFORE, input_schema=respelled)).changes == ()


def test_equal_numbers_are_no_change_but_true_is_not_one() -> None:
    ones = VersionFacts(params={"a": 1, "b": [1, 2], "c": float("nan"), "d": 10**400})
    same = VersionFacts(params={"a": 1.0, "b": (1.0, 2), "c": float("nan"), "d": 10**400})
    true = VersionFacts(params={"a": True, "b": [True, 2], "c": float("nan"), "d": 10**400})

    assert required(ones, same).changes == ()
    assert [change.text for change in required(ones, true).changes] == [
        "a 1 -> true",
        "b [1, 2] -> [true, 2]",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1], [1, 2]),
        ([1, 2], [1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1], {"a": 1}),
    ],
)
def test_a_schema_that_grows_or_shrinks_has_changed(before: Any, after: Any) -> None:
    requirement = required(VersionFacts(input_schema=before), VersionFacts(input_schema=after))

    assert requirement.bump is Bump.MAJOR


def test_long_or_unprintable_values_stay_readable_in_the_reason() -> None:
    long, longer = {"p": "x" * 100}, {"p": "x" * 101}

    assert required(VersionFacts(params=long), VersionFacts(params=longer)).changes[0].text == "p changed"
    assert required(VersionFacts(params={"p": "a"}), VersionFacts(params={"p": "a\nb"})).changes[0].text == (
        'p a -> "a\\nb"'
    )
    assert len(required(VersionFacts(params={}), VersionFacts(params=long)).changes[0].text) < 80


def test_what_one_side_does_not_know_is_named_and_asks_for_nothing() -> None:
    requirement = required(VersionFacts(datasets={}), replace(BEFORE, output_schema=None, commit=""))

    assert requirement.unknown == (
        "architecture not recorded for the previous version",
        "input schema not recorded for the previous version",
        "output schema not recorded for either version",
        "parameters not recorded for the previous version",
        "code not recorded for either version",
    )
    assert requirement.bump is Bump.MINOR
    assert required(BEFORE, VersionFacts()).unknown[0] == "architecture not recorded for the new version"


@given(facts)
def test_a_version_does_not_differ_from_itself(some: VersionFacts) -> None:
    assert required(some, some).changes == ()
    assert required(some, some).bump is Bump.PATCH


@given(facts, facts)
def test_differences_do_not_depend_on_the_direction(left: VersionFacts, right: VersionFacts) -> None:
    there, back = required(left, right), required(right, left)

    assert there.bump is back.bump
    assert len(there.changes) == len(back.changes)
    assert len(there.unknown) == len(back.unknown)
    assert there.reasons


@given(versions, facts, facts, st.lists(versions))
def test_a_proposal_is_free_higher_and_far_enough(
    previous: MLModelVersion, left: VersionFacts, right: VersionFacts, taken: list[MLModelVersion]
) -> None:
    proposal = propose(previous, left, right, taken)

    assert proposal.version > previous
    assert proposal.version not in taken
    assert not proposal.version.is_prerelease
    assert suffices(proposal.bump, previous, proposal.version)
    assert proposal.bump is required(left, right).bump


@pytest.mark.parametrize(
    ("chosen", "bump"),
    [
        ("2.0.0", Bump.MAJOR),
        ("2.1.1-rc1", Bump.MAJOR),
        ("1.3.0-rc1", Bump.MINOR),
        ("1.3.7", Bump.MINOR),
        ("1.2.1", Bump.PATCH),
        ("1.2.0", None),
        ("1.2.0-rc1", None),
        ("1.1.9", None),
        ("0.9.9", None),
    ],
)
def test_the_bump_of_a_chosen_version_is_read_off_its_core(chosen: str, bump: Bump | None) -> None:
    assert bump_between(V120, MLModelVersion(chosen)) is bump


def test_a_smaller_bump_than_required_does_not_suffice() -> None:
    assert not suffices(Bump.MAJOR, V120, MLModelVersion("1.3.0"))
    assert not suffices(Bump.MINOR, V120, MLModelVersion("1.2.1"))
    assert not suffices(Bump.PATCH, V120, V120)
    assert suffices(Bump.MINOR, V120, MLModelVersion("1.3.0-rc1"))
    assert suffices(Bump.PATCH, V120, MLModelVersion("2.0.0"))
    assert suffices(None, None, MLModelVersion("0.0.1"))


def test_a_new_version_is_compared_with_the_latest_release() -> None:
    existing = [MLModelVersion(text) for text in ("1.2.0", "1.10.0", "1.9.0", "2.0.0-rc1")]

    assert baseline(existing) == MLModelVersion("1.10.0")
    assert baseline([MLModelVersion("1.0.0-rc1")]) is None
    assert baseline([]) is None


def test_a_bump_is_found_by_its_word() -> None:
    assert [Bump.parse(bump.word) for bump in Bump] == list(Bump)
    assert Bump.parse(" Major") is Bump.MAJOR
    with pytest.raises(ValueError, match="major, minor and patch"):
        Bump.parse("huge")
