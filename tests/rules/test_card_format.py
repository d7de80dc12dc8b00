"""Model cards as text: what is not edited stays byte for byte, and the Hub's library reads what we write."""

import time
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from registry import card_fields, card_format, card_yaml
from registry.card_format import CardError, parse
from tests.cards import COMPLETE, hub_cards

CARDS = hub_cards()


@pytest.mark.parametrize("name", CARDS)
def test_a_card_of_the_hub_is_its_parts_put_together(name: str) -> None:
    assert str(parse(CARDS[name])) == CARDS[name]


@pytest.mark.parametrize("name", CARDS)
def test_the_front_matter_reads_as_the_hubs_library_reads_it(name: str) -> None:
    card = ModelCard(CARDS[name])
    ours = parse(CARDS[name]).fields
    theirs = card.data.to_dict()
    # The Hub's site takes dates for text as we do; its library makes dates of them.
    assert {key: value for key, value in theirs.items() if key != "date"} == {
        key: value for key, value in ours.items() if key != "date"
    }
    assert card.text == parse(CARDS[name]).body
    assert card_fields.problems(ours) == []


@pytest.mark.parametrize("name", CARDS)
def test_an_edited_entry_leaves_all_others_as_they_were(name: str) -> None:
    before = parse(CARDS[name])
    after = parse(str(before.with_fields({"license": "mit", "new_entry": {"a": [1, "no", None]}})))
    assert after.fields == {**before.fields, "license": "mit", "new_entry": {"a": [1, "no", None]}}
    assert after.body == before.body
    assert ModelCard(str(after)).data.to_dict()["license"] == "mit"


def test_only_the_lines_of_the_edited_entry_change() -> None:
    text = CARDS["speech_recognition"]
    edited = str(parse(text).with_fields({"license": "mit"}))
    assert edited == text.replace("license: apache-2.0", 'license: "mit"')
    assert str(parse(text).with_fields({"license": None})) == text.replace("license: apache-2.0\n", "")


def test_line_ends_of_windows_are_kept_and_used() -> None:
    edited = str(parse(CARDS["windows_line_ends"]).with_fields({"tags": ["a", "b"]}))
    assert "\n" not in edited.replace("\r\n", "")
    assert parse(edited).fields["tags"] == ["a", "b"]


def test_what_a_browser_sends_gets_the_line_ends_that_the_card_has() -> None:
    sent = "a\r\nb\r\n"
    assert card_format.with_line_ends_of("x\ny\n", sent) == "a\nb\n"
    assert card_format.with_line_ends_of("x\r\ny\r\n", sent) == sent
    assert card_format.with_line_ends_of("", sent) == "a\nb\n"


def test_a_card_without_front_matter_gets_one_when_an_entry_is_added() -> None:
    edited = str(parse("# Title\n").with_fields({"license": "mit"}))
    assert edited == '---\nlicense: "mit"\n---\n# Title\n'


def test_front_matter_in_flow_style_is_written_anew() -> None:
    card = parse("---\n{license: mit, tags: [a]}\n---\nText\n").with_fields({"tags": ["b"], "license": None})
    assert parse(str(card)).fields == {"tags": ["b"]}


def test_comments_and_order_survive_an_edit() -> None:
    text = "---\n# first\nb: 1 # kept\n\n# about a\na: 2\n---\n"
    assert str(parse(text).with_fields({"a": 3})) == text.replace("a: 2", "a: 3")


def test_no_and_dates_are_what_was_written() -> None:
    fields = parse("---\nlanguage: no\nsince: 2024-01-01\nsize: 1e3\nx: yes\nn: ~\nt: true\n---\n").fields
    assert fields == {
        "language": "no",
        "since": "2024-01-01",
        "size": 1000.0,
        "x": "yes",
        "n": None,
        "t": True,
    }


@given(st.text(max_size=300))
def test_any_text_is_its_parts_put_together(text: str) -> None:
    assert str(parse(text)) == text


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["C"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc_", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_VALUES.filter(lambda value: value is not None), st.sampled_from(sorted(CARDS)))
def test_every_value_that_is_written_is_read_again(value: object, name: str) -> None:
    edited = str(parse(CARDS[name]).with_fields({"entry": value}))
    assert parse(edited).fields["entry"] == value
    assert parse(edited).body == parse(CARDS[name]).body


HOSTILE = {
    "an alias bomb": "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]",
    "a merge bomb": "a: &a {k: v}\nb:\n  <<: *a",
    "a tag": "a: !!python/object/apply:os.system ['touch canary']",
    "a local tag": "a: !run x",
    "a verbatim tag": "a: !<tag:yaml.org,2002:python/name:os.system> x",
    "deep flow": "a: " + "[" * 5000,
    "deep blocks": "\n".join("  " * depth + "a:" for depth in range(100)),
    "many values": "a: [" + "1," * 60_000 + "]",
    "two of a kind": "license: mit\nlicense: apache-2.0",
    "a list": "- a",
    "a collection as a name": "? [a]\n: b",
    "nonsense": "a: b: c",
    "a control character": "a: \x01",
    "an open quote": "a: 'b",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_yaml_that_could_harm_is_refused_at_once(name: str, tmp_path: Path) -> None:
    start = time.process_time()
    with pytest.raises(CardError):
        _ = parse(f"---\n{HOSTILE[name]}\n---\n# Card\n").fields
    assert time.process_time() - start < 2
    assert not Path("canary").exists()


@pytest.mark.parametrize("size", [1, card_format.MAX_BYTES + 1, 5_000_000])
def test_a_card_that_is_too_long_is_refused_with_both_numbers(size: int) -> None:
    content = b"a" * size
    if size <= card_format.MAX_BYTES:
        assert card_format.decode(content) == "a"
        return
    with pytest.raises(CardError, match=rf"{size} bytes, and at most {card_format.MAX_BYTES}"):
        card_format.decode(content)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"caf\xe9"])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(CardError, match="UTF-8"):
        card_format.decode(content)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_characters_that_no_database_holds_are_refused(text: str) -> None:
    with pytest.raises(CardError):
        card_format.check_text(text)


def test_a_length_is_counted_in_bytes() -> None:
    with pytest.raises(CardError):
        card_format.check_text("한" * (card_format.MAX_BYTES // 3 + 1))
    card_format.check_text("한" * (card_format.MAX_BYTES // 3))


def test_the_mark_at_the_start_of_a_file_is_no_part_of_the_card() -> None:
    assert parse(card_format.decode(b"\xef\xbb\xbf---\nlicense: mit\n---\n")).fields == {"license": "mit"}


_RESULT = "task: {type: a}, dataset: {type: a, name: b}"
WRONG = {
    "license: {a: b}": "license must be text or a list of texts.",
    "tags: [[a]]": "tags must be text or a list of texts.",
    "pipeline_tag: [a]": "pipeline_tag must be text.",
    "model-index: x": "model-index must be a list of models with their results.",
    "model-index: [{results: []}]": "model-index, model 1: name is missing.",
    "model-index: [{name: a}]": "model-index, model 1: results must be a list.",
    "model-index: [{name: a, results: [{dataset: {type: a, name: b}, metrics: []}]}]": (
        "model-index, model 1, result 1: task is missing."
    ),
    "model-index: [{name: a, results: [{task: {type: a}, dataset: {type: a}, metrics: []}]}]": (
        "model-index, model 1, result 1: dataset.name is missing."
    ),
    f"model-index: [{{name: a, results: [{{{_RESULT}, metrics: [{{type: x}}]}}]}}]": (
        "model-index, model 1, result 1: a metric needs type and value."
    ),
}


@pytest.mark.parametrize("front", WRONG)
def test_entries_of_the_wrong_kind_are_named(front: str) -> None:
    assert card_fields.problems(parse(f"---\n{front}\n---\n").fields) == [WRONG[front]]


def test_at_most_ten_faults_are_told() -> None:
    assert len(card_fields.problems({"model-index": [{}] * 50})) == 10


def test_the_pure_python_reader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = {name: parse(text).fields for name, text in CARDS.items()}
    monkeypatch.setattr(card_yaml, "_LOADER", yaml.SafeLoader)
    assert {name: parse(text).fields for name, text in CARDS.items()} == with_libyaml


def test_a_placeholder_alone_needs_no_quotes() -> None:
    assert parse("---\na: {{ x }}\nb:\n- {{ y }} # why\n---\n").fields == {"a": "{{ x }}", "b": ["{{ y }}"]}
    assert parse(COMPLETE).fields["model-index"][0]["name"] == "{{ model }}"
