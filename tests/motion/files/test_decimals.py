"""Tables of decimals: what is read is what Python's float reads, however the numbers are written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farandole.motion.files.bvh import decimals as numbers


@settings(max_examples=150, deadline=None)
@given(
    decimals=st.integers(0, 12),
    rows=st.lists(st.lists(st.floats(-99999, 99999), min_size=1, max_size=6), min_size=1, max_size=8),
    blank=st.sampled_from([" ", "\t", "  "]),
    line=st.sampled_from(["\n", "\r\n", " \n", "\n\n"]),
    piece=st.sampled_from([8, 64, 1 << 16]),
)
def test_fixed_decimals_read_like_python(decimals, rows, blank, line, piece):
    words = [[f"{v:.{decimals}f}" for v in row] for row in rows]
    text = line.join(blank.join(row) for row in words) + line
    before, numbers._PIECE = numbers._PIECE, piece
    try:
        table = numbers.parse_table(text.encode(), 0)
    finally:
        numbers._PIECE = before
    wanted = np.array([float(w) for row in words for w in row])
    short = np.abs(wanted) < 10.0 ** (15 - decimals)  # up to 15 digits correctly rounded, longer ones within 1 ulp
    np.testing.assert_array_equal(table.values[short], wanted[short])
    np.testing.assert_array_max_ulp(table.values, wanted, 1)
    assert table.counts.tolist() == [len(row) for row in rows]
    assert table.bad is None


@pytest.mark.parametrize(
    "text",
    [
        "1.5 -.5 2.5",
        "+1.5 2.5",
        "12345678.12345678 -0.00000001",
        "1234567890123.1234567 0.0000000",
        "1 2 3",
        "1.5 2.25",
        "1e3 2.5",
    ],
)
def test_other_spellings(text):
    table = numbers.parse_table(text.encode(), 0)
    np.testing.assert_array_max_ulp(table.values, np.array([float(w) for w in text.split()]), 1)


@pytest.mark.parametrize(
    "word",
    ["-", ".5.5", "--1.5", "1-1.5", "1.-5", "1e1.5", "0x1.5", "1/2.5", "1:2.5", "\u0661.5", "nan", "inf", "1_0.5"],
)
def test_what_is_no_number_is_named(word):
    table = numbers.parse_table(f"1.5 2.5\n3.5 {word} 4.5\n".encode(), 0)
    assert table.bad is not None
    assert table.bad[0] == 3
    np.testing.assert_array_equal(np.isnan(table.values) | np.isinf(table.values), np.arange(5) == 3)


def test_nothing_to_read():
    for text in (b"", b"\n \n", b"\t"):
        assert len(numbers.parse_table(text, 0).values) == 0
