"""YAML of others as plain values: DVC's dialect, and an end to everything."""

import math
import time
from datetime import date

import pytest
from ruamel.yaml import YAML

from integrations.errors import IntegrationError
from integrations.yaml_text import load_mapping

WORDS = """\
a: 1
b: 0.5
c: 1e-3
d: no
e: 'yes'
f: 010
g: 0o17
h: 0x1F
i: 1_000
j: ~
k:
l: true
m: "1"
n: [1, two, {three: 3}]
o: |
  text
p: -.5
q: 12e03
r: 0b11
t: 5123456789012345678901234567890a
u: +.inf
v: 1:30
w: .
"""


def repeated(form: str, count: int) -> str:
    """Return lines that each stand for `count` times the one before."""
    lines = (form.format(", ".join([f"*a{number - 1}"] * count)) for number in range(1, 30))
    return "".join(f"a{number}: &a{number} {line}\n" for number, line in enumerate(lines, start=1))


def test_values_are_those_of_the_reader_that_dvc_uses() -> None:
    assert load_mapping(WORDS, "x") == YAML(typ="safe", pure=True).load(WORDS)


def test_dates_and_merged_keys_are_values() -> None:
    found = load_mapping("base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}\nday: 2026-01-31\nn: .nan", "x")
    assert found["more"] == {"x": 1, "y": 3}
    assert found["day"] == date(2026, 1, 31)
    assert math.isnan(found["n"])


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "? [1]\n: 2",
        "a: *unknown",
        "a: &a {b: *a}",
        "--- {a: 1}\n--- {b: 2}",
        "a: !custom x",
        "a: !!set {x}",
        "a: 2026-13-45",
        "a: " + "9" * 5_000,
        "a: [1",
        "{a: {<<: 3}}",
        "a0: &a0 {x: 1}\n" + repeated("{{<<: [{}]}}", 21),
        "a0: &a0 [1]\n" + repeated("[{}]", 9),
        "a: " + "[" * 100_000,
        "a: " + "{b: " * 20_000,
    ],
)  # fmt: skip
def test_what_is_ambiguous_unknown_or_without_measure_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(IntegrationError):
        load_mapping(text, "x")
    assert time.process_time() - start < 5
