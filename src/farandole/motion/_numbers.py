"""Plain decimals at numpy speed: text -> float64 and back, without a Python step per number.

Neighbouring digits are joined to integers of two, four and eight digits at every byte of the text at once (the doubling of
"SWAR" digit parsing, D. Lemire, "Quickly parsing eight digits", 2018, spread over an array); each number then is two look-ups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POWERS = 10.0 ** np.arange(17)
_FRAME = 16  # blanks before a piece, so that looking back never leaves it
_PIECE = 1 << 16  # bytes parsed at a time: its arrays stay in the second-level cache


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


def parse_table(data: bytes, start: int) -> Table:
    """Numbers separated by blanks from byte `start` (just after a line end) to the end of `data`.

    Values of up to 15 digits are exact (correctly rounded). Exponents, more than sixteen digits in a row and other spellings
    that Python's `float` knows take a slower way.
    """
    text = np.frombuffer(data, np.uint8)
    values, counts, lines, bad, seen, line = [], [], [], None, 0, 0
    while start < len(data):
        stop = data.find(b"\n", min(start + _PIECE, len(data))) + 1 or len(data)
        piece = np.full(stop - start + _FRAME + 1, 32, np.uint8)
        piece[_FRAME:-1] = text[start:stop]
        solid = piece > 32
        edges = np.flatnonzero(solid[1:] != solid[:-1])  # the bytes before starts and ends
        begins, lasts = np.ascontiguousarray(edges[0::2]), np.ascontiguousarray(edges[1::2])
        numbers, odd = _parse(piece, begins, lasts)
        for i, value, token in _spell_out(piece, begins, lasts, odd):
            numbers[i] = value
            if bad is None and not np.isfinite(value):
                bad = (seen + i, token)
        breaks = np.flatnonzero(piece == 10)
        if data[stop - 1] != 10:
            breaks = np.append(breaks, len(piece))
        per_line = np.diff(np.searchsorted(begins, breaks), prepend=0)
        filled = np.flatnonzero(per_line)
        values.append(numbers)
        counts.append(per_line[filled])
        lines.append(filled + line)
        seen, line, start = seen + len(numbers), line + len(breaks), stop
    join = lambda parts, dtype: np.concatenate(parts) if parts else np.empty(0, dtype)  # noqa: E731
    return Table(join(values, np.float64), join(counts, np.int64), join(lines, np.int64), bad)


def _spell_out(
    piece: NDArray[np.uint8], begins: NDArray[np.int64], lasts: NDArray[np.int64], odd: NDArray[np.int64]
) -> Iterator[tuple[int, float, str]]:
    """Index, value (NaN if none) and text of the numbers that are not plain decimals."""
    for i, begin, last in zip(odd.tolist(), begins[odd].tolist(), lasts[odd].tolist(), strict=True):
        token = piece[begin + 1 : last + 1].tobytes()
        try:
            # Python also takes 1_000; no file means that.
            value = float(token) if b"_" not in token else np.nan
        except ValueError:
            value = np.nan
        yield i, value, token.decode("utf-8", "replace")


def _parse(
    piece: NDArray[np.uint8], begins: NDArray[np.int64], lasts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values [N] of the spans begins+1 .. lasts, and indices of those that are not plain decimals (their values are void)."""
    quads, lengths = _digit_runs(piece)
    fraction, decimals = _run_before(quads, lengths, lasts)
    point = lasts - decimals
    pointed = piece.take(point) == 46
    point -= 1
    values, digits = _run_before(quads, lengths, point)
    # Without a point the one run is the whole number: no decimals, and what precedes it belongs to something else.
    digits *= pointed.view(np.uint8)
    digits += decimals
    rest = lasts - begins
    rest -= digits
    rest -= pointed
    decimals *= pointed.view(np.uint8)
    values *= pointed
    first = piece.take(begins + 1)
    minus = first == 45
    # A plain decimal is made of its sign, its two runs of digits and its point; of anything else something is left over.
    rest -= minus
    rest -= first == 43
    odd = np.flatnonzero((rest != 0) | (digits == 0))
    low, high = int(decimals.min()), int(decimals.max())
    power = _POWERS[high] if low == high else _POWERS.take(decimals)
    values *= power
    values += fraction
    values /= power
    np.negative(values, out=values, where=minus)
    return values, odd


def _digit_runs(piece: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """At every byte, the integer spelt by the digits that end there and how many these are, at most four; zero elsewhere.

    Runs of one digit are joined to runs of two and four, all bytes at once.
    """
    one = piece - np.uint8(48)
    digit = (one < 10).view(np.uint8)
    one *= digit
    pair = digit[1:] & digit[:-1]  # from byte 1 on: this byte and the one before are digits
    one[1:] += one[:-1] * pair * np.uint8(10)
    length = digit.copy()
    length[1:] += pair
    four = one.astype(np.uint16)
    four[2:] += (one[:-2] * pair[1:]) * np.uint16(100)
    longer = length.copy()
    longer[2:] += length[:-2] * pair[1:]
    return four, longer


def _run_before(
    quads: NDArray[np.uint16], lengths: NDArray[np.uint8], last: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Integers spelt by the digits that end at bytes `last`, and how many these are: four at a time, at most sixteen."""
    value, count = quads.take(last).astype(np.float64), lengths.take(last)
    full = count == 4
    for taken in (4, 8, 12):
        if not full.any():
            break
        before = last - taken
        more = lengths.take(before)
        more *= full.view(np.uint8)
        part = quads.take(before) * _POWERS[taken]
        part *= full
        value += part
        count += more
        full = more == 4
    return value, count


_TEXT4 = np.frombuffer("".join(f"{i:04d}" for i in range(10000)).encode(), np.uint32)
_TEXT_POINT = np.frombuffer("".join(f".{i:03d}" for i in range(1000)).encode(), np.uint32)
_TEXT_BLANK = np.frombuffer("".join(f"{i:03d} " for i in range(1000)).encode(), np.uint32)


def render(rows: NDArray[np.float64]) -> bytes:
    """A table [T, C] as text: six decimals, blanks between numbers, a line feed after each row.

    Numbers beyond 99 999 999 are written by Python's own formatting.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if not rows.size:
        return b"\n" * len(rows)
    if np.abs(rows).max() >= 99_999_999.0:
        return b"".join((" ".join([f"{v:.6f}" for v in row]) + "\n").encode() for row in rows.tolist())
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
