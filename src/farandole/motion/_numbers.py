"""Plain decimals at C speed: text -> float64 and back, without a Python step per number.

Reading: NumPy parses integers twice as fast as floats. Where all numbers of a text have the same count of decimals, which is seen
on its bytes at once, the points are taken out, integers read and divided by that power of ten.
Writing: digits are looked up four at a time and laid side by side.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POWERS = 10.0 ** np.arange(19)
_PIECE = 1 << 16  # bytes parsed at a time: fresh memory costs more than the parsing
_TOO_LONG = 10**18  # integers from here on may have overflowed


@dataclass(frozen=True)
class Table:
    """Numbers of a text in reading order.

    Attributes:
        values: [N] float64; NaN where the text is no number.
        counts: Numbers on each line that is not blank, [R].
        lines: Line of each such row, counted from 0 where parsing began, [R].
        bad: Index into `values` and text of the first thing that is no finite number, or None.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    lines: NDArray[np.int64]
    bad: tuple[int, str] | None


def parse_table(data: bytes, start: int, expected: int = 0) -> Table:
    """Numbers separated by blanks from byte `start` to the end of `data`.

    Args:
        expected: How many are likely (saves memory if right).

    Values of up to 15 digits are exact (correctly rounded), longer ones within 1 ulp. What only Python's `float` knows is read too.
    """
    values = np.empty(expected)
    counts, lines, bad, seen, line = [np.empty(0, np.int64)], [np.empty(0, np.int64)], None, 0, 0
    while start < len(data):
        stop = data.find(b"\n", min(start + _PIECE, len(data))) + 1 or len(data)
        body = data[start:stop] + b"\n"
        numbers, ends, text = _parse_piece(body)
        if bad is None and not np.isfinite(numbers).all():
            first = int(np.flatnonzero(~np.isfinite(numbers))[0])
            bad = (seen + first, body.split(None, first + 1)[first].decode("utf-8", "replace"))
        if seen + len(numbers) > len(values):
            values = np.concatenate((values[:seen], np.empty(len(numbers) + seen // 2)))
        values[seen : seen + len(numbers)] = numbers
        breaks = np.flatnonzero(text == 10)
        per_line = np.diff(np.searchsorted(ends, breaks), prepend=0)
        filled = np.flatnonzero(per_line)
        counts.append(per_line[filled])
        lines.append(filled + line)
        seen, line, start = seen + len(numbers), line + len(breaks) - 1, stop
    return Table(values[:seen], np.concatenate(counts), np.concatenate(lines), bad)


def _parse_piece(body: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
    """Values [N] and last bytes [N] of the numbers in a text that ends in a line feed, and its bytes."""
    text = np.frombuffer(body, np.uint8)
    blank = text <= 32
    last = np.empty(len(text), bool)
    last[-1] = False
    np.greater(blank[1:], blank[:-1], out=last[:-1])
    ends = np.flatnonzero(last)
    values = _fixed_decimals(body, text, last, ends)
    if values is None:
        values = _table(body, len(ends))
    return _any_numbers(body) if values is None else values, ends, text


def _fixed_decimals(
    body: bytes, text: NDArray[np.uint8], last: NDArray[np.bool_], ends: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Values [N] where all numbers have the same count of decimals, as most programs write them; None if they do not."""
    if not len(ends):
        return np.empty(0)
    token = body[: ends[0] + 1].split()[-1]
    decimals = len(token) - 1 - token.index(b".") if b"." in token else 0
    dot = text == 46
    # Every number ends that far behind a point, and every point has an end there: so no number has two.
    if not 0 < decimals < len(_POWERS) or not np.array_equal(dot[:-decimals], last[decimals:]):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # NumPy's way to say that the text has something else in it
        try:
            whole = np.fromstring(body.translate(None, b"."), dtype=np.int64, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    # A sign within a number splits it.
    if len(whole) != len(ends) or max(int(whole.max()), -int(whole.min())) >= _TOO_LONG:
        return None
    values = whole.astype(np.float64)
    values /= _POWERS[decimals]
    return values


def _table(body: bytes, count: int) -> NDArray[np.float64] | None:
    """Values [N] of a text with equally many numbers on each line, by NumPy's own reader; None if they are not all numbers."""
    try:
        values = np.loadtxt(io.BytesIO(body), ndmin=2, comments=None).ravel()
    except ValueError:
        return None
    return values if len(values) == count else None


def _any_numbers(body: bytes) -> NDArray[np.float64]:
    """Numbers as Python spells them, [N]; NaN for what is none."""
    tokens = body.split()
    if b"_" not in body:  # Python also takes 1_000; no file means that
        try:
            return np.array(list(map(float, tokens)))
        except ValueError:
            pass
    return np.array([_spell_out(token) for token in tokens])


def _spell_out(token: bytes) -> float:
    try:
        return float(token) if b"_" not in token else np.nan
    except ValueError:
        return np.nan


_TEXT4 = np.frombuffer("".join(f"{i:04d}" for i in range(10000)).encode(), np.uint32)
_TEXT_POINT = np.frombuffer("".join(f".{i:03d}" for i in range(1000)).encode(), np.uint32)
_TEXT_BLANK = np.frombuffer("".join(f"{i:03d} " for i in range(1000)).encode(), np.uint32)


_ROWS = 8000  # numbers written at a time


def render(rows: NDArray[np.float64]) -> bytes:
    """A table [T, C] as text: six decimals, blanks between numbers, a line feed after each row.

    Numbers beyond 99 999 999 are written by Python's own formatting.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if not rows.size:
        return b"\n" * len(rows)
    if np.abs(rows).max() >= 99_999_999.0:
        return b"".join((" ".join([f"{v:.6f}" for v in row]) + "\n").encode() for row in rows.tolist())
    step = max(1, _ROWS // rows.shape[1])
    return b"".join(_render_piece(rows[start : start + step]) for start in range(0, len(rows), step))


def _render_piece(rows: NDArray[np.float64]) -> bytes:
    fixed = np.rint(rows.ravel() * 1e6).astype(np.int64)
    minus = fixed < 0
    np.abs(fixed, out=fixed)
    whole, rest = np.divmod(fixed, 1_000_000)
    whole, rest = whole.astype(np.uint32), rest.astype(np.uint32)
    cells = np.empty((len(fixed), 4), np.uint32)  # "00001234" ".567" "890 "
    cells[:, 0] = _TEXT4[whole // np.uint32(10000)]
    cells[:, 1] = _TEXT4[whole % np.uint32(10000)]
    cells[:, 2] = _TEXT_POINT[rest // np.uint32(1000)]
    cells[:, 3] = _TEXT_BLANK[rest % np.uint32(1000)]
    text = cells.view(np.uint8).reshape(*rows.shape, 16)
    text[:, -1, 15] = 10
    text = text.reshape(-1, 16)
    lead = np.full(len(fixed), 7, np.int8)  # first column that is kept
    top = int(whole.max())
    for power in range(1, 8):
        if top < 10**power:
            break
        lead -= whole >= 10**power
    where = np.flatnonzero(minus)
    lead[where] -= 1
    text[where, lead[where]] = 45
    return text[np.arange(16, dtype=np.int8) >= lead[:, None]].tobytes()
