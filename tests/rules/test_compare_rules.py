"""Rows, cells and colours of compared runs."""

import math

import pytest

from experiments.compare_cells import Extreme, cells
from experiments.compare_request import MAX_RUNS, parse
from experiments.compare_rows import of_metrics, of_texts, shown
from experiments.metric_goals import Goal
from experiments.metric_meaning import Meaning
from experiments.run_colours import COLOURS, colours


def meaning(key: str) -> Meaning:
    return Meaning(Goal.MIN if "cer" in key else Goal.UNKNOWN, tolerance=0.5 if key == "rough_cer" else 0.0)


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ([1, 1.0], False),
        ([1, None], True),
        ([None, None], False),
        (["NaN", "NaN"], False),
        (["NaN", 1], True),
        (["Infinity", "-Infinity"], True),
        ([1, 1 + 1e-12], True),
    ],
)
def test_numbers_differ_by_what_they_are(values: list[object], differs: bool) -> None:
    (row,) = of_metrics([{"m": value} for value in values], meaning)
    assert row.differs is differs


def test_texts_differ_by_what_they_say() -> None:
    # The digests are zero as numbers.
    first = {"a": "1e-3", "b": "0e" + "1" * 38, "c": None, "d": "nan"}
    second = {"a": "0.001", "b": "0e" + "2" * 38, "c": "", "d": "nan"}
    rows = of_texts("params", [first, second])
    assert {row.key: row.differs for row in rows} == {"a": False, "b": True, "c": True, "d": False}
    for row in rows:
        assert [cell.differs for cell in cells(row, 0)] == [False, row.differs]


def test_only_differences_are_shown_where_there_are_many_rows() -> None:
    runs = [{f"p{at:02}": "x" for at in range(50)} | {"p00": str(number)} for number in range(2)]
    rows = of_texts("params", runs)
    assert [row.key for row in shown(rows, only="auto", search="")[0]] == ["p00"]
    assert len(shown(rows[:20], only="auto", search="")[0]) == 20
    assert len(shown(rows[1:], only="auto", search="")[0]) == 49
    assert [row.key for row in shown(rows, only="all", search="P4")[0]] == [f"p4{at}" for at in range(10)]


def test_cells_say_how_they_differ_from_the_baseline() -> None:
    runs = [{"cer": 1.0, "rough_cer": 1.0}, {"cer": 0.75, "rough_cer": 1.4}, {"cer": "NaN"}]
    exact, rough = of_metrics(runs, meaning)
    assert [(cell.delta, cell.verdict, cell.differs) for cell in cells(exact, 0)] == [
        (None, "", False),
        (-0.25, "better", True),
        (None, "", True),
    ]
    assert [cell.verdict for cell in cells(rough, 0)] == ["", "same", ""]
    assert [cell.delta for cell in cells(exact, None)] == [None, None, None]
    past = cells(exact, 0, [Extreme(0.5, 3), None, Extreme(0.25, 7)])
    assert [(cell.value, cell.step) for cell in past[::2]] == [(0.5, 3), (0.25, 7)]
    assert past[1].value == 0.75
    assert not math.isnan(past[2].value)


def test_an_address_is_read_calmly() -> None:
    many = ",".join(str(number) for number in range(MAX_RUNS + 3))
    assert parse([many, "0"], {}).left_out == 3
    assert parse(["a,b", " a ,,", "\0", "x" * 65], {}).runs == ("a", "b")
    assert parse(["a,b", "a"], {}).repeated == ("a",)
    odd = parse([], {"point": "middle", "rows": "some", "q": " x\0 "})
    assert (odd.point, odd.rows, odd.search) == ("last", "auto", "x")


def test_runs_have_colours_of_their_own_and_keep_them() -> None:
    names = [f"{number:032x}" for number in range(40, 50)]
    found = colours(names)
    assert len(set(found.values())) == len(names)
    assert colours(reversed(names)) == found
    assert all(colours([name, names[0]])[names[0]] == found[names[0]] for name in names[1:])
    assert set(colours(str(number) for number in range(100)).values()) == set(range(COLOURS))
