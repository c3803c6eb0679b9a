"""Digits and capitals for time stamps and labels: a 5 x 7 bitmap alphabet, drawn by hand for this package."""

from __future__ import annotations

import numpy as np

from farandole.motion.rotations import Array

_GLYPHS = {
    "0": ".###. #...# #..## #.#.# ##..# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ..##. .#... #.... #####",
    "3": "####. ....# ....# .###. ....# ....# ####.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": ".###. #.... #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ..#.. ..#.. .#... .#...",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ....# .###.",
    ":": "... .#. .#. ... .#. .#. ...",
    ".": ".. .. .. .. .. ## ##",
    " ": "... ... ... ... ... ... ...",
    "s": "..... ..... .#### #.... .###. ....# ####.",
    "A": ".###. #...# #...# ##### #...# #...# #...#",
    "B": "####. #...# #...# ####. #...# #...# ####.",
    "C": ".###. #...# #.... #.... #.... #...# .###.",
    "D": "####. #...# #...# #...# #...# #...# ####.",
    "E": "##### #.... #.... ####. #.... #.... #####",
    "F": "##### #.... #.... ####. #.... #.... #....",
    "G": ".###. #...# #.... #.### #...# #...# .###.",
    "H": "#...# #...# #...# ##### #...# #...# #...#",
    "I": "### .#. .#. .#. .#. .#. ###",
    "J": "..### ...#. ...#. ...#. ...#. #..#. .##..",
    "K": "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
    "L": "#.... #.... #.... #.... #.... #.... #####",
    "M": "#...# ##.## #.#.# #.#.# #...# #...# #...#",
    "N": "#...# ##..# #.#.# #..## #...# #...# #...#",
    "O": ".###. #...# #...# #...# #...# #...# .###.",
    "P": "####. #...# #...# ####. #.... #.... #....",
    "Q": ".###. #...# #...# #...# #.#.# #..#. .##.#",
    "R": "####. #...# #...# ####. #.#.. #..#. #...#",
    "S": ".#### #.... #.... .###. ....# ....# ####.",
    "T": "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
    "U": "#...# #...# #...# #...# #...# #...# .###.",
    "V": "#...# #...# #...# #...# #...# .#.#. ..#..",
    "W": "#...# #...# #...# #.#.# #.#.# ##.## #...#",
    "X": "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
    "Y": "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
    "Z": "##### ....# ...#. ..#.. .#... #.... #####",
    "-": "... ... ... ### ... ... ...",
    "/": "....# ....# ...#. ..#.. .#... #.... #....",
    ",": ".. .. .. .. .. .# #.",
}


def text_mask(text: str, *, scale: int = 2) -> Array:
    """Coverage of a line of digits, capitals, ":", ".", ",", "-", "/", spaces and "s": float32 [7 * scale, W] of zeros and ones.

    Raises:
        KeyError: For a character the alphabet does not have.
    """
    gap = np.zeros((7, 1), np.float32)
    parts: list[Array] = []
    for character in text:
        rows = _GLYPHS[character].split()
        parts += [np.array([[c == "#" for c in row] for row in rows], np.float32), gap]
    return np.kron(np.hstack(parts[:-1]), np.ones((scale, scale), np.float32))


def label_mask(text: str, *, scale: int = 2) -> Array:
    """`text_mask` of any text: in capitals, with a space for every character that the alphabet does not have."""
    known = "".join(c if c in _GLYPHS else " " for c in text.upper())
    return text_mask(known or " ", scale=scale)


def time_stamp(seconds: float) -> str:
    """Minutes, seconds and tenths: 83.46 -> "1:23.4"; below a minute "23.4"."""
    tenths = int(seconds * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    whole = f"{rest // 10:02d}" if minutes else str(rest // 10)
    return (f"{minutes}:" if minutes else "") + f"{whole}.{rest % 10}"
