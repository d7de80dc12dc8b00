"""The canonical form, the hash and the verification of the audit chain."""

import json
import math
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import chain
from audit.chain import Link

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)

# RFC 8785, appendix B: bits of a double, and how it is written.
RFC_NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "written"), RFC_NUMBERS)
def test_numbers_are_written_as_the_standard_says(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert chain.canonical(number) == written


def test_keys_are_sorted_by_utf16_units_as_in_the_example_of_the_standard() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    written = json.loads(chain.canonical(dict.fromkeys(keys)), object_pairs_hook=list)
    assert [key for key, _ in written] == ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(documents)
def test_canonical_form_is_json_of_the_same_value(document: Any) -> None:
    assert json.loads(chain.canonical(document), parse_int=float) == document


@given(documents)
def test_canonical_form_of_what_was_read_back_is_the_same(document: Any) -> None:
    written = chain.canonical(document)
    assert chain.canonical(json.loads(written)) == written


@given(st.dictionaries(text, numbers, max_size=6))
def test_order_of_keys_does_not_matter(document: dict[str, float]) -> None:
    turned = dict(reversed(document.items()))
    assert chain.canonical(turned) == chain.canonical(document)


def test_a_large_float_and_the_integer_a_database_makes_of_it_are_the_same() -> None:
    assert chain.canonical(1e22) == chain.canonical(10**22) == "1e+22"
    shortest = 23117474788004650
    assert float(shortest) != shortest
    assert chain.canonical(float(shortest)) == chain.canonical(shortest) == "23117474788004650"


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53 + 1,
        10**400,
        "a\x00b",
        "\ud800",
        {1: "x"},
        {"a": {2}},
        b"x",
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        chain.canonical({"value": [value]})


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    seoul = datetime(2026, 1, 31, 18, 30, tzinfo=timezone(timedelta(hours=9)))
    assert chain.canonical(seoul) == '"2026-01-31T09:30:00.000000Z"'


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        chain.canonical(datetime(2026, 1, 31))  # noqa: DTZ001  that is the point


def make_link(sequence: int, prev_hash: str, **fields: Any) -> Link:
    link = Link(
        **{
            "sequence": sequence,
            "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sequence),
            "event": "job.submitted",
            "actor_id": "7",
            "actor_name": "engineer",
            "target_kind": "job",
            "target_id": str(sequence),
            "target_name": f"job {sequence}",
            "model_name": "ocr-receipt",
            "data": {"learning_rate": 3e-4},
            "prev_hash": prev_hash,
        }
        | fields
    )
    return replace(link, hash=chain.digest(link))


def make_chain(length: int) -> list[Link]:
    links: list[Link] = []
    for sequence in range(1, length + 1):
        links.append(make_link(sequence, links[-1].hash if links else chain.GENESIS))
    return links


def test_the_format_of_the_hash_never_changes() -> None:
    """These values are in databases and exports: another result would make every one of them look forged."""
    assert chain.GENESIS == "37e450aa44b33ed1418cd63108547ef2db2fac6d740bccc404c794c9472ea074"
    assert make_chain(1)[0].hash == "60c6d8c42cb97d627a487f760a5d2f796f058baa0e108b20c200903b3c8807dc"


def test_a_whole_chain_has_no_fault() -> None:
    assert chain.verify(make_chain(5)) is None
    assert chain.verify([]) is None


def test_a_part_of_a_chain_is_verified_from_a_known_hash() -> None:
    links = make_chain(5)
    assert chain.verify(links[2:], first=3, prev_hash=links[1].hash) is None
    assert chain.verify(links[2:], first=3, prev_hash=links[0].hash) == (
        3,
        "the entry does not follow the one before it",
    )


EDITS: list[dict[str, Any]] = [
    {"at": datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)},
    {"event": "job.failed"},
    {"actor_id": "8"},
    {"actor_name": "reviewer"},
    {"target_kind": "run"},
    {"target_id": "x"},
    {"target_name": "x"},
    {"model_name": ""},
    {"data": {"learning_rate": 4e-4}},
    {"hash": "0" * 64},
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: next(iter(edit)))
def test_an_edit_of_any_field_is_found_where_it_is(edit: dict[str, Any]) -> None:
    links = make_chain(5)
    links[2] = replace(links[2], **edit)
    assert chain.verify(links) == (3, "the content does not match the hash")


def test_an_edit_with_a_new_hash_is_found_at_the_next_entry() -> None:
    links = make_chain(5)
    links[2] = make_link(3, links[1].hash, actor_name="somebody else")
    assert chain.verify(links) == (4, "the entry does not follow the one before it")


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_number_out_of_line_is_found_even_where_every_hash_fits(number: int) -> None:
    links = make_chain(2)
    links.append(make_link(number, links[-1].hash))
    fault = chain.verify(links)
    assert fault is not None
    assert fault.sequence == 3
    assert f"entry {number} stands in its place" in fault.reason


def test_content_that_cannot_be_hashed_is_a_fault_and_no_crash() -> None:
    links = make_chain(2)
    links[1] = replace(links[1], data={"loss": math.nan})
    fault = chain.verify(links)
    assert fault is not None
    assert fault.sequence == 2
    assert fault.reason.startswith("the content cannot be hashed")


@given(length=st.integers(2, 12), data=st.data())
def test_a_removed_entry_is_found_unless_it_was_the_last(length: int, data: st.DataObject) -> None:
    links = make_chain(length)
    gone = data.draw(st.integers(0, length - 2))
    del links[gone]
    fault = chain.verify(links)
    assert fault is not None
    assert fault.sequence == gone + 1


@given(length=st.integers(2, 12), data=st.data())
def test_two_exchanged_entries_are_found(length: int, data: st.DataObject) -> None:
    links = make_chain(length)
    first, second = sorted(
        data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True))
    )
    links[first], links[second] = links[second], links[first]
    fault = chain.verify(links)
    assert fault is not None
    assert fault.sequence == first + 1


@given(length=st.integers(1, 12), data=st.data())
def test_an_inserted_entry_is_found(length: int, data: st.DataObject) -> None:
    links = make_chain(length)
    place = data.draw(st.integers(0, length - 1))
    before = links[place - 1].hash if place else chain.GENESIS
    links.insert(place, make_link(place + 1, before, actor_name="forger"))
    fault = chain.verify(links)
    assert fault is not None
    assert fault.sequence == place + 2
