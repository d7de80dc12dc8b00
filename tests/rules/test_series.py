"""Points of metrics as arrays and as bytes."""

from __future__ import annotations

import math
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.series import Series

integers = st.integers(-(2**63), 2**63 - 1)
# Any 64 bits: every NaN there is, signed zeros, subnormal numbers.
floats = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
odd = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, 5e-324, 1e300])


@given(st.lists(st.tuples(integers, integers, floats | odd | st.floats(width=32))))
def test_packing_loses_not_one_bit(points: list[tuple[int, int, float]]) -> None:
    steps, times, values = ([one[column] for one in points] for column in range(3))
    series = Series.of(steps, times, values)
    back = Series.unpack(series.pack())
    assert back.step.tolist() == series.step.tolist() == sorted(steps)
    assert back.time.tolist() == series.time.tolist()
    assert back.value.tobytes() == series.value.tobytes()
    assert sorted(back.value.view(np.int64)) == sorted(np.array(values, np.float64).view(np.int64))
    assert len(back) == len(points)


def test_points_are_ordered_by_step_and_time_and_equal_ones_keep_their_order() -> None:
    series = Series.of([2, 1, 2, 2], [5, 9, 4, 5], [1.0, 2.0, 3.0, 4.0])
    assert series.step.tolist() == [1, 2, 2, 2]
    assert series.value.tolist() == [2.0, 3.0, 1.0, 4.0]


def test_what_does_not_fit_into_64_bits_becomes_the_nearest_that_does() -> None:
    series = Series.of([2**80, -(2**80)], [0, 0], [1.0, 2.0])
    assert series.step.tolist() == [-(2**63), 2**63 - 1]


def test_usual_curves_are_small() -> None:
    count = 2000
    steps, times = range(count), [1_700_000_000_000 + 1000 * at + at % 7 for at in range(count)]
    single = [float(np.float32(math.exp(-at / 500))) for at in range(count)]
    assert len(Series.of(steps, times, single).pack()) < 8 * count
    assert len(Series.of(steps, times, [math.exp(-at / 500) for at in range(count)]).pack()) < 12 * count
    assert len(Series.of(steps, steps, [0.1] * count).pack()) < 64


def test_arrays_cannot_be_changed_by_whoever_reads_them() -> None:
    back = Series.unpack(Series.of([1, 2], [1, 2], [1.0, 2.0]).pack())
    with pytest.raises(ValueError, match="read-only"):
        back.value[0] = 3.0


@pytest.mark.parametrize("data", [b"", b"\x01\x00", b"\x63" + bytes(20)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"[sS]eries"):
        Series.unpack(data)
    whole = Series.of([1, 3, 9], [1, 2, 3], [1.0, 2.0, 3.1]).pack()
    with pytest.raises(ValueError):
        Series.unpack(whole[:-9])


def test_a_process_that_shows_no_curve_does_not_load_numpy() -> None:
    program = "import sys, experiments.charts, experiments.series; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
