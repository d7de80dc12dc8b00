"""Reading a parameters file, and writing overrides back into it."""

import math
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import parse_yaml
from hypothesis import given
from hypothesis import strategies as st

from experiments.parameters import (
    Parameter,
    ParameterErrors,
    ParametersFileError,
    apply_overrides,
    read_parameters,
    validate_overrides,
)
from experiments.params_yaml import MAX_HELP, replace, spell

FILE = """\
# Settings of the receipt reader

preprocess:
  canvas: [16, 80]            # Height and width, in pixels
  scales:   # One per level
    - 1.0
    - 0.5   # half

train:
  # Network: CNN
  # or CRNN
  architecture: "CRNN"
  learning_rate: 3.0e-4       # Step size
  epochs: 8
  bidirectional: true
  scheduler:                  # Course of the step size
  note: 'it''s  kept'
  limits: {low: 1, high: 2}   # Both ends
"""


def only(parameters: list[Parameter], key: str) -> Parameter:
    return next(parameter for parameter in parameters if parameter.key == key)


def changed(text: str, raw: dict[str, Any]) -> str:
    return apply_overrides(text, validate_overrides(read_parameters(text), raw))


def test_every_value_is_a_typed_parameter_with_its_comment_as_help() -> None:
    assert read_parameters(FILE) == [
        Parameter("preprocess.canvas", "list", [16, 80], "Height and width, in pixels"),
        Parameter("preprocess.scales", "list", [1.0, 0.5], "One per level"),
        Parameter("train.architecture", "str", "CRNN", "Network: CNN or CRNN"),
        Parameter("train.learning_rate", "float", 0.0003, "Step size"),
        Parameter("train.epochs", "int", 8),
        Parameter("train.bidirectional", "bool", True),
        Parameter("train.scheduler", "null", None, "Course of the step size"),
        Parameter("train.note", "str", "it's  kept"),
        Parameter("train.limits.low", "int", 1),
        Parameter("train.limits.high", "int", 2, "Both ends"),
    ]


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "train: {}\n", "---\n"])
def test_a_file_without_values_has_no_parameters(text: str) -> None:
    assert read_parameters(text) == []


@pytest.mark.parametrize(
    ("text", "help_text"),
    [
        ("a: 1 # beside", "beside"),
        ("# above\na: 1", "above"),
        ("# above\na: 1 # beside", "beside"),
        ("# far above\n\na: 1", ""),
        ("  # indented otherwise\na: 1", ""),
        ("# ------\n## Title ##\n# ------\na: 1", "Title"),
        ("a: x#y", ""),
        ("a: 'x # y'", ""),
        ("a: |  # block\n  # text\n", "block"),
        ("a: [1,  # first\n    2]  # last", "last"),
        ("a:\n- 1\n- 2 # of an item", ""),
        ("a: 1 #" + "x" * 1000, "x" * MAX_HELP),
        ("a: 1 # eins\r\nb: 2\r\n", "eins"),
        ("# oben\r\na: 1\r\n", "oben"),
        ("\ufeffa: 1 # after a byte order mark", "after a byte order mark"),
        ("a: 1 # <script>", "<script>"),
        (" # of the whole\n{a: 1}", ""),
    ],
)
def test_help_is_the_comment_beside_the_value_or_right_above_it(text: str, help_text: str) -> None:
    assert read_parameters(text)[0].help == help_text


@pytest.mark.parametrize(
    "text",
    [
        "p: &x 1\nq: *x",
        "p: 1\nbase: &b {q: 2}\nuse:\n  <<: *b",
        "p: [&x 1, *x]",
        "a:\n  &k p: 1\nb:\n  *k : 2",
        "p: 2026-01-31",
        "p: .inf",
        "p: .nan",
        "p: [1, {a: 2}]",
        "1: 2",
        "true: 2",
        "? [p]\n: 2",
        "p.q: 1",
        "p:\n  q: 1\np.q: 2",
        "'p: q': 1",
        "'p=q': 1",
        "'~p': 1",
        "'+p': 1",
        "'${p}': 1",
        "'p;q': 1",
        "'p q': 1",
        "'-p': 1",
        "'': 1",
        "파라미터: 1",
        '"a\\nb": 1',
    ],
)
def test_what_cannot_be_changed_safely_is_shown_and_locked(text: str) -> None:
    parameters = [parameter for parameter in read_parameters(text) if parameter.locked]

    assert parameters
    for parameter in parameters:
        with pytest.raises(ParameterErrors):
            validate_overrides(parameters, {parameter.key: 7})


@pytest.mark.parametrize("text", ["p:\n  q: 1\np.q: 2", "p:\n  1: a\n  '1': b", "'a.b': {c: 1}\na: {b.c: 2}"])
def test_two_values_of_one_name_are_both_locked(text: str) -> None:
    assert [bool(parameter.locked) for parameter in read_parameters(text)] == [True, True]


def test_values_beside_a_locked_one_can_be_changed() -> None:
    text = "base: &b {k: 1}\nuse:\n  <<: *b\n  own: 2\n"

    assert changed(text, {"use.own": 3}) == text.replace("own: 2", "own: 3")
    assert [parameter.key for parameter in read_parameters(text) if not parameter.locked] == ["use.own"]


@pytest.mark.parametrize("file", ["params.json", "params.toml", "params.py", "params", "params.yaml.bak"])
def test_other_files_than_yaml_are_refused_by_name(file: str) -> None:
    with pytest.raises(ParametersFileError, match=f"{file}: only YAML"):
        read_parameters("a: 1", file)
    with pytest.raises(ParametersFileError, match=f"{file}: only YAML"):
        apply_overrides("a: 1", {"a": 2}, file)


def bomb(depth: int, width: int) -> str:
    lines = ["l0: &l0 [x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- 1", "mapping"),
        ("just text", "mapping"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: 1\na: 2", "duplicate key"),
        ("a: [1", "not valid YAML"),
        ("a: \0", "not valid YAML"),
        ("? {a: 1}\n: 1", "not valid YAML|cannot be read"),
        ("a: *nowhere", "undefined alias"),
        ("a: 2026-13-45", "cannot be read"),
        ("a: " + "9" * 6000, "cannot be read"),
        ("a: !!python/object/apply:os.system ['true']", "has a tag"),
        ("a: !!python/name:os.system x", "has a tag"),
        ("a: !custom {b: 1}", "has a tag"),
        ("a: !!str 1", "has a tag"),
        ("a: !!binary aGk=", "has a tag"),
        ("a: &a [*a]", "multiply"),
        (bomb(9, 9), "multiply"),
        ("a: &a 1\nb: [" + "*a," * 200 + "]", "too many"),
        ("a: &a {" + "".join(f"k{n}: 1, " for n in range(900)) + "}\nb: *a", "more than 1000"),
        ("a: &a [" + "1," * 900 + "]\n" + "".join(f"b{n}: *a\n" for n in range(9)), "more than 1000"),
        ("a: " + "[" * 100_000, "^The file is nested deeper than 16"),
        ("a:\n" + "".join(" " * n + "a:\n" for n in range(1, 40)), "deeper than 16"),
        ("a: [" + "1," * 6000 + "]", "5000 values"),
        ("".join(f"k{n}: 1\n" for n in range(1001)), "more than 1000"),
        ("".join(f"k{n}: {{a: {{b: {{c: 1}}}}}}\n" for n in range(700)), "5000 values"),
        ("a: " + "x" * 200_000, "131072 characters"),
    ],
)
def test_a_file_that_is_broken_dangerous_or_too_large_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ParametersFileError, match=reason):
        read_parameters(text)


@given(st.one_of(st.text(max_size=60), st.text("ab:-[]{}&*!|>#'\"%?,~<0.1 \n\t", max_size=60)))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    try:
        parameters = read_parameters(text)
    except ParametersFileError:
        return

    assert validate_overrides(parameters, {}) == {}
    assert apply_overrides(text, {}) == text


def test_only_the_changed_characters_change() -> None:
    raw = {
        "preprocess.canvas": "[32, 80]",
        "preprocess.scales": [2, 0.5],
        "train.architecture": "CNN",
        "train.learning_rate": "1e-5",
        "train.epochs": "9",
        "train.bidirectional": "false",
        "train.scheduler": "OneCycleLR",
        "train.limits.high": 3,
    }
    expected = (
        FILE.replace("[16,", "[32,")
        .replace("- 1.0", "- 2.0")
        .replace('"CRNN"', '"CNN"')
        .replace("3.0e-4", "1.0e-05")
        .replace("epochs: 8", "epochs: 9")
        .replace("true", "false")
        .replace("scheduler:", "scheduler: OneCycleLR")
        .replace("high: 2", "high: 3")
    )

    assert changed(FILE, raw) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("a: [1, 2] # c\nb: 1\n", [1, 2, 3], "a: [1, 2, 3] # c\nb: 1\n"),
        ("a: [1, 2] # c\nb: 1\n", [], "a: [] # c\nb: 1\n"),
        ("a: []\nb: 1\n", ["x"], "a: [x]\nb: 1\n"),
        ("a:\n  - 1\n  # between\n  - 2 # c\nb: 1\n", [1, 3], "a:\n  - 1\n  # between\n  - 3 # c\nb: 1\n"),
        ("a:\n  - 1\n  - 2 # c\n# d\nb: 1\n", [4, 5, 6], "a:\n  - 4\n  - 5\n  - 6 # c\n# d\nb: 1\n"),
        ("a:\n- 1\n- 2\nb: 1\n", [3], "a:\n- 3\nb: 1\n"),
        ("a:\n- 1\n- 2\nb: 1\n", [], "a: []\nb: 1\n"),
        ("a: [[1, 2], [3]]\nb: 1\n", [[1, 2], [4]], "a: [[1, 2], [4]]\nb: 1\n"),
        ("a:\n- [1]\n- [2]\nb: 1\n", [[1], [2, 3]], "a:\n- [1]\n- [2, 3]\nb: 1\n"),
        ("a: [1.0e-1, 2.0]\nb: 1\n", [0.1, 3.0], "a: [1.0e-1, 3.0]\nb: 1\n"),
        ("a:\n-\n- 1\nb: 1\n", [2, 3], "a:\n- 2\n- 3\nb: 1\n"),
        ("a:\n- 1\n-  # c\n\n# d\nb: 1\n", [2, 3], "a:\n- 2\n- 3  # c\n\n# d\nb: 1\n"),
        ("a:\n- 1\n-  # c\n\n# d\nb: 1\n", [2], "a:\n- 2  # c\n\n# d\nb: 1\n"),
    ],
)
def test_lists_keep_their_style(text: str, value: list[Any], expected: str) -> None:
    assert changed(text, {"a": value}) == expected


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("a: |\n  two\n  lines\n\n# c\nb: 1\n", "a", "one", "a: one\n\n# c\nb: 1\n"),
        ("a:\nb: 1\n", "a", 5, "a: 5\nb: 1\n"),
        ("a: # c\nb: 1\n", "a", 5, "a: 5 # c\nb: 1\n"),
        ("a: null\nb: 1\n", "a", "x", "a: x\nb: 1\n"),
        ("a: 5", "a", 6, "a: 6"),
        ("{a: 1, b: }", "b", True, "{a: 1, b: true }"),
        ('{"a":1}', "a", 2, '{"a":2}'),
        ("a: 1 # c\r\nb: 2\r\n", "b", 3, "a: 1 # c\r\nb: 3\r\n"),
        ("\ufeffa: 1 # 😀\nb: 2\n", "b", 3, "\ufeffa: 1 # 😀\nb: 3\n"),
        ("? a\n: 1\nb: 2\n", "b", 3, "? a\n: 1\nb: 3\n"),
        ("a: 'x'\n", "a", "yes", "a: 'yes'\n"),
        ("a: x\n", "a", "yes", "a: 'yes'\n"),
        ("a: .nan\nb: 1\n", "b", 2, "a: .nan\nb: 2\n"),
        ("a: 0.0\n", "a", -0.0, "a: -0.0\n"),
        ("a: [0.0, 1.0]\n", "a", "[-0.0, 1]", "a: [-0.0, 1.0]\n"),
    ],
)
def test_values_are_replaced_wherever_they_stand(text: str, key: str, value: Any, expected: str) -> None:
    assert changed(text, {key: value}) == expected


def test_unchanged_values_keep_their_spelling() -> None:
    raw = {parameter.key: parameter.default for parameter in read_parameters(FILE)}

    assert changed(FILE, raw) == FILE
    assert changed(FILE, {"train.learning_rate": "3e-4", "preprocess.canvas": "[16,80]"}) == FILE


def test_a_locked_value_that_is_sent_back_as_it_is_changes_nothing() -> None:
    assert apply_overrides("day: 2026-01-31\n", {"day": "2026-01-31"}) == "day: 2026-01-31\n"


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ("a: 1", 1.0, "a: 1.0"),
        ("a: 1", True, "a: true"),
        ("a: 'x'", "it's", "a: 'it''s'"),
        ('a: "x"', 'say "x"', "a: 'say \"x\"'"),
        ('a: "x"', "back\\slash", "a: 'back\\slash'"),
        ("a: x", "it's", "a: 'it''s'"),
        ("a: 5", None, "a: null"),
    ],
)
def test_a_replaced_value_may_be_of_any_type_and_any_text(text: str, new: Any, expected: str) -> None:
    assert replace(text, {("a",): new}) == expected


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("a: x", {("a",): "two\nlines"}, "without touching others"),
        ("a: 1", {("b",): 2}, "does not have"),
        ("a: &x 1\nb: *x", {("a",): 2}, "does not stand alone"),
    ],
)
def test_a_replacement_that_would_not_read_back_is_refused(text: str, changes: Any, reason: str) -> None:
    with pytest.raises(ParametersFileError, match=reason):
        replace(text, changes)


def test_applying_validates_again() -> None:
    with pytest.raises(ParameterErrors, match=r"train\.architecture"):
        apply_overrides(FILE, {"train.architecture": "$(reboot)"})
    with pytest.raises(ParameterErrors, match="not a parameter"):
        apply_overrides(FILE, {"train.unknown": 1})


# What one version of YAML or the other takes for something else than text.
TRAPS = "yes No on OFF y n true Null nan .nan .inf inf 1e-4 1e5 1e+5 1.5 0x1F 0o17 0b1 010 1_000 12:30 1:2:3"
TRAPS += " .5 5. 2026-01-31 2026-01-31T00:00:00Z 1.0.0 a: a,b ._1 0"
safe_texts = st.one_of(
    st.from_regex(r"[A-Za-z0-9_.][A-Za-z0-9_.,:@+/-]{0,8}", fullmatch=True).filter(
        lambda text: ".." not in text.split("/")
    ),
    st.sampled_from(TRAPS.split()),
)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63) + 1, 2**63 - 1)
scalars = st.one_of(integers, floats, st.booleans(), safe_texts)
replacements = st.one_of(
    *(st.lists(kind, min_size=2, max_size=2) for kind in (integers, floats, st.booleans(), safe_texts)),
    *(
        st.lists(st.lists(kind, min_size=1, max_size=3), min_size=2, max_size=2)
        for kind in (integers, floats, safe_texts)
    ),
)


# Every printable text on one line, which is more than a person may give.
lines = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\ufffe\uffff"), max_size=8
)


@given(st.one_of(scalars, st.lists(scalars, max_size=4), st.none(), lines, st.lists(lines, max_size=3)))
def test_every_version_of_yaml_reads_a_spelled_value_as_that_value(value: Any) -> None:
    for read in (yaml.safe_load, lambda text: parse_yaml(text, "params.yaml")):
        found = read(f"a: {spell(value)} # c")["a"]
        assert repr(found) == repr(value)


@given(st.lists(replacements, min_size=1, max_size=5), st.lists(st.integers(0, 5), min_size=5, max_size=5))
def test_an_override_reads_back_as_its_value_and_disturbs_nothing_else(
    pairs: list[list[Any]], styles: list[int]
) -> None:
    lines = ["# top", "group:"]
    for number, ((old, _), style) in enumerate(zip(pairs, styles, strict=False)):
        block = isinstance(old, list) and style % 2
        items = "".join(f"\n    - {spell(item)}  # item" for item in old) if block else f" {spell(old)}"
        lines += [f"  # help {number}"] * (style % 3) + [f"  k{number}:{items}   # c{number}", ""]
    text = "\n".join([*lines, "end: 3.0e-4 # end", ""])
    kept = {f"k{number}": old for number, (old, _) in enumerate(pairs)}
    wanted = kept | {f"k{number}": new for number, (_, new) in enumerate(pairs) if number % 2 == 0}

    result = apply_overrides(text, {f"group.{name}": value for name, value in wanted.items()})

    for read in (yaml.safe_load, lambda text: parse_yaml(text, "params.yaml")):
        assert repr(dict(read(result)["group"])) == repr(wanted)
    for line in text.splitlines():
        if line.strip().startswith("#") or not line or line.startswith("end"):
            assert line in result.splitlines()
    for number in range(len(pairs)):
        assert f"# c{number}" in result
    assert only(read_parameters(result), "end").default == 0.0003
    assert apply_overrides(result, {f"group.{name}": value for name, value in wanted.items()}) == result


def test_a_default_of_infinity_is_shown_as_text() -> None:
    parameter = read_parameters("a: .inf # no limit")[0]

    assert (parameter.type, parameter.default, parameter.help) == ("other", str(math.inf), "no limit")
