"""What a person may give as the value of a parameter, and what is refused before anything runs."""

import math
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.parameter_values import Parameter, ParameterErrors, is_safe_key, validate_overrides

PARAMETERS = [
    Parameter("train.epochs", "int", 8),
    Parameter("train.learning_rate", "float", 0.003),
    Parameter("train.bidirectional", "bool", True),
    Parameter("train.optimizer", "str", "AdamW"),
    Parameter("train.note", "str", "two\nlines; $(and) ${more}"),
    Parameter("train.scheduler", "null", None),
    Parameter("data.canvas", "list", [16, 80]),
    Parameter("data.scales", "list", [1, 0.5]),
    Parameter("data.names", "list", ["a", "b c"]),
    Parameter("data.flags", "list", [True]),
    Parameter("data.grid", "list", [[1, 2], [3]]),
    Parameter("data.mixed", "list", [1, "a", None]),
    Parameter("data.day", "other", "2026-01-31", locked="values of its type cannot be changed here"),
]


def accept(key: str, raw: object) -> Any:
    return validate_overrides(PARAMETERS, {key: raw})[key]


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("train.epochs", 9, 9),
        ("train.epochs", " -9\n", -9),
        ("train.epochs", "+9", 9),
        ("train.epochs", "007", 7),
        ("train.learning_rate", 0.1, 0.1),
        ("train.learning_rate", "3e-4", 3e-4),
        ("train.learning_rate", "1E+2", 100.0),
        ("train.learning_rate", ".5", 0.5),
        ("train.learning_rate", 1, 1.0),
        ("train.learning_rate", "1", 1.0),
        ("train.bidirectional", False, False),
        ("train.bidirectional", "true", True),
        ("train.bidirectional", "False", False),
        ("train.optimizer", "SGD", "SGD"),
        ("train.optimizer", "data/raw.v2", "data/raw.v2"),
        ("train.optimizer", "s3://bucket/key@1,2+3", "s3://bucket/key@1,2+3"),
        ("train.optimizer", "1e-4", "1e-4"),
        ("train.optimizer", "a..b", "a..b"),
        ("train.scheduler", None, None),
        ("train.scheduler", "", None),
        ("train.scheduler", "null", None),
        ("train.scheduler", "3", 3),
        ("train.scheduler", "1e-4", 1e-4),
        ("train.scheduler", "true", True),
        ("train.scheduler", "CosineAnnealingLR", "CosineAnnealingLR"),
        ("train.scheduler", 2.5, 2.5),
        ("data.canvas", [32, 64], [32, 64]),
        ("data.canvas", "[32, 64, 3]", [32, 64, 3]),
        ("data.canvas", "[]", []),
        ("data.canvas", [], []),
        ("data.canvas", [16], [16]),
        ("data.scales", [2, 3], [2.0, 3.0]),
        ("data.names", '["x", "y"]', ["x", "y"]),
        ("data.flags", "[false, true]", [False, True]),
        ("data.grid", [[5], [6, 7]], [[5], [6, 7]]),
        ("data.mixed", [1.5, True, None, "b"], [1.5, True, None, "b"]),
    ],
)
def test_a_value_gets_the_type_of_its_parameter(key: str, raw: object, value: object) -> None:
    assert repr(accept(key, raw)) == repr(value)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.key)
def test_the_default_is_always_accepted(parameter: Parameter) -> None:
    assert accept(parameter.key, parameter.default) == parameter.default


def test_a_form_may_send_back_the_lines_of_a_text_with_its_own_line_breaks() -> None:
    assert accept("train.note", "two\r\nlines; $(and) ${more}") == "two\nlines; $(and) ${more}"


@pytest.mark.parametrize(
    ("key", "raw", "reason"),
    [
        ("train.unknown", 1, "not a parameter"),
        ("train", 1, "not a parameter"),
        ("train.epochs", 9.0, "whole number"),
        ("train.epochs", "9.0", "whole number"),
        ("train.epochs", "1e3", "whole number"),
        ("train.epochs", True, "whole number"),
        ("train.epochs", None, "whole number"),
        ("train.epochs", "", "whole number"),
        ("train.epochs", "1_000", "whole number"),
        ("train.epochs", "0x10", "whole number"),
        ("train.epochs", "\N{ARABIC-INDIC DIGIT NINE}", "whole number"),
        ("train.epochs", "9; reboot", "whole number"),
        ("train.epochs", 2**63, "too large"),
        ("train.epochs", "9" * 30, "too large"),
        ("train.epochs", "9" * 5000, "too long"),
        ("train.learning_rate", "fast", "number"),
        ("train.learning_rate", True, "number"),
        ("train.learning_rate", "nan", "number"),
        ("train.learning_rate", "inf", "number"),
        ("train.learning_rate", "1e999", "finite"),
        ("train.learning_rate", math.nan, "finite"),
        ("train.learning_rate", -math.inf, "finite"),
        ("train.learning_rate", 10**400, "finite"),
        ("train.learning_rate", "0,1", "number"),
        ("train.bidirectional", "yes", "true or false"),
        ("train.bidirectional", "on", "true or false"),
        ("train.bidirectional", 1, "true or false"),
        ("train.optimizer", 3, "text"),
        ("train.optimizer", None, "text"),
        ("train.optimizer", ["SGD"], "text"),
        ("train.optimizer", "", "empty"),
        ("train.optimizer", "x" * 201, "too long"),
        ("train.optimizer", "../secret", r"\.\."),
        ("train.optimizer", "data/../../secret", r"\.\."),
        ("train.optimizer", "/etc/passwd", "begin with"),
        ("train.optimizer", "--config", "begin with"),
        ("train.optimizer", "한글", "letters, digits"),
        ("train.scheduler", {"a": 1}, "number, true, false, text or null"),
        ("train.scheduler", [1], "number, true, false, text or null"),
        ("train.scheduler", "9" * 30, "too large"),
        ("train.scheduler", "$(reboot)", "letters, digits"),
        ("train.scheduler", math.nan, "finite"),
        ("data.canvas", "16, 80", "list, such as"),
        ("data.canvas", "[16, NaN]", "list, such as"),
        ("data.canvas", "[" * 3000, "list, such as"),
        ("data.canvas", "[" * 5000, "too long"),
        ("data.canvas", 16, "list, such as"),
        ("data.canvas", {"0": 16}, "list, such as"),
        ("data.canvas", [16, 80.5], "item 2 must be a whole number"),
        ("data.canvas", [16, True], "item 2 must be a whole number"),
        ("data.canvas", [16, "80"], "item 2 is text"),
        ("data.canvas", [1] * 101, "too many items"),
        ("data.scales", [1.0, math.inf], "item 2 must be a finite"),
        ("data.names", ["x", 1], "item 2 must be text"),
        ("data.names", ["x", "`id`"], "item 2 may contain only"),
        ("data.flags", ["true"], "item 1 is text"),
        ("data.grid", [[1], 2], "item 2 must be a list"),
        ("data.grid", [[1], ["a"]], "item 2 item 1 is text"),
        ("data.grid", [[1], "[2]"], "item 2 is text"),
        ("data.mixed", [{"a": 1}], "item 1 must be"),
        ("data.day", "2026-02-01", "cannot be changed here"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(key: str, raw: object, reason: str) -> None:
    with pytest.raises(ParameterErrors, match=reason) as refused:
        accept(key, raw)

    assert list(refused.value.errors) == [key]


def test_all_errors_are_told_at_once() -> None:
    raw = {"train.epochs": "many", "train.optimizer": "a b", "train.none": 1, "train.learning_rate": "0.1"}

    with pytest.raises(ParameterErrors) as refused:
        validate_overrides(PARAMETERS, raw)

    assert set(refused.value.errors) == {"train.epochs", "train.optimizer", "train.none"}
    assert all(key in str(refused.value) for key in refused.value.errors)


SHELL_MARKS = [
    "=",
    "~",
    "${",
    "$",
    "\n",
    "\r",
    "\0",
    ";",
    "&",
    "|",
    "`",
    "(",
    ")",
    "<",
    ">",
    "*",
    "?",
    "[",
    "]",
]
SHELL_MARKS += ["{", "}", "!", "#", "'", '"', "\\", " ", "\t", "%", "^", "\u2028", "é"]


@pytest.mark.parametrize("where", ["train{}epochs", "{}train.epochs", "train.epochs{}"])
@pytest.mark.parametrize("mark", [*SHELL_MARKS, ":", "+", "/", "@", ","])
def test_a_key_with_a_foreign_character_is_refused_even_if_the_file_has_it(mark: str, where: str) -> None:
    key = where.format(mark)

    with pytest.raises(ParameterErrors, match="is not a name"):
        validate_overrides([*PARAMETERS, Parameter(key, "int", 1)], {key: 1})


@pytest.mark.parametrize(
    "key", ["params.yaml:train.epochs", "~train", "+train.new", "a=b", "a" * 201, "", 3, None]
)
def test_keys_in_the_language_of_other_tools_are_refused(key: Any) -> None:
    with pytest.raises(ParameterErrors, match="is not a name"):
        validate_overrides(PARAMETERS, {key: 1})


@pytest.mark.parametrize("key", ["train-x.epochs", "train.epochs-", "a.b.c", "_a", "0.1", "A9_-"])
def test_a_key_of_plain_names_is_accepted(key: str) -> None:
    assert validate_overrides([Parameter(key, "int", 1)], {key: 2}) == {key: 2}


@pytest.mark.parametrize("key", [".a", "a.", "a..b", "-a", "a.-b", "."])
def test_an_empty_name_or_one_that_looks_like_an_option_is_refused(key: str) -> None:
    assert not is_safe_key(key)


@pytest.mark.parametrize("where", ["a{}b", "{}b", "a{}"])
@pytest.mark.parametrize("mark", SHELL_MARKS)
def test_a_text_with_a_mark_of_the_shell_is_refused(mark: str, where: str) -> None:
    with pytest.raises(ParameterErrors, match="may contain only"):
        accept("train.optimizer", where.format(mark))


texts = st.one_of(
    st.from_regex(r"[A-Za-z0-9_.][A-Za-z0-9_.,:@+/-]{0,12}", fullmatch=True),
    st.text("ab.~$`*?[]{}!#&|;<>()'\"\\ \n=:+-/^%@,", min_size=1, max_size=6),
)


@settings(max_examples=50)
@given(st.lists(texts, min_size=5, max_size=30))
def test_an_accepted_text_is_one_plain_word_to_a_real_shell(candidates: list[str]) -> None:
    accepted = []
    for text in candidates:
        try:
            accepted.append(accept("train.optimizer", text))
        except ParameterErrors:
            continue
    command = f"printf '%s\\n' {' '.join(accepted)}"
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-c", command], capture_output=True, text=True, check=True, cwd="/")

        assert done.stdout.split("\n")[:-1] == (accepted or [""])
        assert done.stderr == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.sampled_from(PARAMETERS), anything)
def test_whatever_is_given_is_either_refused_or_typed_and_stays_so(parameter: Parameter, raw: Any) -> None:
    try:
        value = accept(parameter.key, raw)
    except ParameterErrors:
        return

    types = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "other": str}
    assert parameter.type == "null" or type(value) is types[parameter.type]
    assert repr(accept(parameter.key, value)) == repr(value)
