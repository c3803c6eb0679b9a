"""What the synthesised genres play: step patterns of drums, bass and chords over one or two bars of four beats.

A pattern is a string of sixteenths (16 or 32 long): `X` accent, `x` normal, `o` soft, `.` rest. Bass patterns name
chord tones instead: `1` root, `3` third, `5` fifth, `8` octave, `a` the root of the *next* chord (anticipation). Each
layer says from which section
energy (0 to 1) it joins in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One drum part.

    Attributes:
        drum: Name of a drum of `instruments`.
        patterns: Alternatives; one is drawn per song.
        gain: Level in the mix.
        joins: Section energy from which the layer plays.
        chance: Probability that a song has this layer at all.
    """

    drum: str
    patterns: tuple[str, ...]
    gain: float
    joins: float = 0.3
    chance: float = 1.0


@dataclass(frozen=True)
class Genre:
    """A style of accompaniment on a grid of four beats a bar.

    Attributes:
        name: Key in `GENRES`.
        bpm: Usual tempo range (beats per minute); `compose` takes any tempo.
        layers: Drum parts.
        bass, bass_timbres: Bass patterns (chord tones) and timbres, one of each per song.
        chords, chord_timbres: Rhythms and timbres of the chords; `=` in a rhythm holds the chord for the whole bar.
        progressions: Chords per bar as scale degrees (0 = tonic).
        lead_timbres: Melody instruments.
        swing: Range of the delay of off-beat sixteenths, as a fraction of a sixteenth.
        duck: Depth of the bass's and chords' dip under the kick (side chain), 0 to 1.
        minor: Probability of a minor key.
    """

    name: str
    bpm: tuple[float, float]
    layers: tuple[Layer, ...]
    bass: tuple[str, ...]
    bass_timbres: tuple[str, ...]
    chords: tuple[str, ...]
    chord_timbres: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    lead_timbres: tuple[str, ...]
    swing: tuple[float, float] = (0.0, 0.0)
    duck: float = 0.0
    minor: float = 0.5


_CLAVE_32 = "X.....X.....X.......X...X......."
_CLAVE_23 = "....X...X.......X.....X.....X..."
_HATS = ("x.x.x.x.x.x.x.x.", "X.o.x.o.X.o.x.o.", "xoxoxoxoxoxoxoxo")
_FOUR = ("X...X...X...X...",)
_BACK = ("....X.......X...",)
_POP = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 4, 3))

GENRES: dict[str, Genre] = {
    genre.name: genre
    for genre in (
        Genre(
            "salsa",
            (150, 230),
            (
                Layer("clave", (_CLAVE_32, _CLAVE_23), 0.45, 0.2, 0.85),
                Layer("conga_slap", ("....X.......o...",), 0.4, 0.15),
                Layer("conga", ("............X.x.", "............X.x.......x.....X.x."), 0.65, 0.15),
                Layer("bongo", ("X.o.x.o.X.o.x.o.",), 0.28, 0.3, 0.8),
                Layer("cowbell", ("X...x.x.X...x.x.", "X...X...X...X..."), 0.4, 0.65, 0.9),
                Layer("guiro", ("X...x.x.X...x.x.",), 0.2, 0.4, 0.7),
                Layer("shaker", ("X.x.X.x.X.x.X.x.",), 0.16, 0.3, 0.6),
                Layer("kick", ("X.......x.......", "X...........x..."), 0.45, 0.5, 0.45),
            ),
            ("......5.....a...", "1.....5.....a...", "......5.....8..."),
            ("picked", "sub"),
            (
                "X...x.x...x...x...x...x...x...x.",
                "X.x...x...x...x...X...x...x...x.",
                "..x...x...x...x.X...x.x...x...x.",
            ),
            ("piano", "epiano"),
            ((0, 3, 4, 3), (0, 0, 4, 4), (0, 5, 1, 4), (0, 6, 5, 4)),
            ("brass", "flute"),
        ),
        Genre(
            "latin",  # cha-cha: the steps' "four-and-one" in guiro and bell
            (104, 132),
            (
                Layer("cowbell", ("X...X...X...X...",), 0.36, 0.2, 0.9),
                Layer("guiro", ("X...x.x.X...x.x.",), 0.28, 0.2),
                Layer("conga_slap", ("....X.......o...",), 0.42, 0.3),
                Layer("conga", ("............X.x.",), 0.65, 0.2),
                Layer("kick", ("X.......X.......", "X.....x.X......."), 0.6, 0.4, 0.7),
                Layer("bongo", ("X.o.x.o.X.o.x.o.",), 0.25, 0.4, 0.6),
                Layer("tambourine", ("....x.......x...",), 0.2, 0.6, 0.5),
            ),
            ("1.......5...5...", "1.....5.8.......", "1...1.....5.5..."),
            ("picked", "sub"),
            ("....X.......X.x.", "..x...x...x...x.", "X.....X.....X..."),
            ("piano", "epiano", "organ"),
            ((0, 3, 4, 3), (0, 4, 0, 4), (0, 5, 1, 4)),
            ("flute", "brass"),
        ),
        Genre(
            "reggaeton",
            (84, 105),
            (
                Layer("kick", _FOUR, 1.0, 0.25),
                Layer("snare", ("...X..X....X..X.",), 0.55, 0.25),
                Layer("hat", ("x.x.x.x.x.x.x.x.", "xoxoxoxoxoxoxoxo"), 0.2, 0.45),
                Layer("clap", ("......X.......X.",), 0.3, 0.7, 0.4),
                Layer("shaker", ("x.x.x.x.x.x.x.x.",), 0.15, 0.5, 0.4),
            ),
            ("1..1..1.1..1..1.", "1.......5..1..1."),
            ("sub", "saw"),
            ("...X..X....X..X.", "=", "X.....X........."),
            ("pluck", "strings", "square"),
            ((5, 3, 0, 4), (0, 5, 2, 6), (0, 3, 4, 4)),
            ("pluck", "square"),
            duck=0.5,
            minor=0.8,
        ),
        Genre(
            "house",
            (116, 130),
            (
                Layer("kick", _FOUR, 1.0, 0.25),
                Layer("clap", _BACK, 0.5, 0.4),
                Layer("open_hat", ("..X...X...X...X.",), 0.28, 0.35),
                Layer("hat", _HATS, 0.16, 0.15),
                Layer("shaker", ("xoXoxoXoxoXoxoXo",), 0.14, 0.5, 0.6),
                Layer("rim", ("...x..x....x..x.",), 0.15, 0.6, 0.4),
            ),
            ("..1...1...1...1.", "1..1..1...1..1..", "1...1...1...1.5."),
            ("sub", "saw"),
            ("..X..X....X..X..", "X..X..X.........", "="),
            ("epiano", "organ", "strings", "pluck"),
            ((0, 5, 3, 4), (0, 6, 5, 6), (0, 0, 3, 3)),
            ("pluck", "saw"),
            (0.0, 0.12),
            0.7,
            0.7,
        ),
        Genre(
            "disco",
            (108, 128),
            (
                Layer("kick", _FOUR, 0.9, 0.25),
                Layer("snare", _BACK, 0.5, 0.35),
                Layer("open_hat", ("..X...X...X...X.",), 0.3, 0.3),
                Layer("hat", ("xo.oxo.oxo.oxo.o", "x...x...x...x..."), 0.18, 0.2),
                Layer("tambourine", ("x.x.x.x.x.x.x.x.",), 0.14, 0.6, 0.6),
                Layer("conga", ("..........x..x..", "............x.x."), 0.3, 0.6, 0.4),
            ),
            ("1.8.1.8.1.8.1.8.", "1...8...1...8.5."),
            ("picked", "saw"),
            ("..x...x...x...x.", "=", "X.....x...x....."),
            ("strings", "epiano", "piano"),
            _POP,
            ("strings", "brass"),
            duck=0.25,
        ),
        Genre(
            "funk",
            (92, 116),
            (
                Layer("kick", ("X..x......x..x..", "X.....x...x.....", "X..o..x...x....."), 0.9, 0.3),
                Layer("snare", ("....X..o.o..X..o", "....X.......X..o"), 0.6, 0.25),
                Layer("hat", _HATS, 0.24, 0.15),
                Layer("cowbell", _FOUR, 0.2, 0.7, 0.4),
                Layer("clap", _BACK, 0.25, 0.7, 0.4),
            ),
            ("1..8..1...5..8..", "1.1...8..1..5.3.", "1.....1.8..5...."),
            ("picked",),
            ("..x..x....x..x.x", "X..............x", "....x..x....x..."),
            ("epiano", "organ", "pluck"),
            ((0, 0, 3, 3), (0, 0, 0, 4), (0, 3, 0, 4)),
            ("brass", "square"),
            (0.0, 0.2),
        ),
        Genre(
            "hiphop",
            (78, 104),
            (
                Layer("kick", ("X.....x...X.....", "X..x......x.....", "X......xX....x.."), 1.0, 0.25),
                Layer("snare", _BACK, 0.65, 0.25),
                Layer("hat", _HATS, 0.22, 0.15),
                Layer("clap", _BACK, 0.3, 0.6, 0.5),
                Layer("rim", ("...o..o......o..",), 0.15, 0.6, 0.4),
                Layer("shaker", ("x.x.x.x.x.x.x.x.",), 0.12, 0.5, 0.4),
            ),
            ("1......51.......", "1..1......5.....", "1.....1...1....."),
            ("sub",),
            ("X.........x.....", "=", "X.....X........."),
            ("epiano", "piano", "strings", "pluck"),
            ((0, 5, 3, 4), (0, 3), (0, 6, 5, 4)),
            ("flute", "pluck"),
            (0.0, 0.33),
            0.2,
            0.8,
        ),
        Genre(
            "pop",
            (88, 132),
            (
                Layer("kick", ("X.......X.......", "X...X...X...X...", "X.....x.X......."), 0.95, 0.3),
                Layer("snare", _BACK, 0.6, 0.3),
                Layer("hat", _HATS, 0.22, 0.15),
                Layer("clap", _BACK, 0.35, 0.65, 0.6),
                Layer("shaker", ("x.x.x.x.x.x.x.x.",), 0.13, 0.4, 0.4),
                Layer("tambourine", ("..x...x...x...x.",), 0.15, 0.7, 0.5),
            ),
            ("1...1...1...1...", "1.1.1.1.1.1.1.1.", "1.....1.5......."),
            ("picked", "sub", "saw"),
            ("X...X...X...X...", "=", "X.....X.....X..."),
            ("piano", "strings", "pluck", "epiano"),
            _POP,
            ("square", "flute", "pluck"),
            duck=0.3,
            minor=0.3,
        ),
        Genre(
            "rock",
            (100, 160),
            (
                Layer("kick", ("X.......X.x.....", "X.....x.X.......", "X.......XX......"), 0.95, 0.3),
                Layer("snare", _BACK, 0.75, 0.25),
                Layer("hat", ("X.x.X.x.X.x.X.x.", "X...X...X...X..."), 0.26, 0.15),
                Layer("open_hat", ("X...X...X...X...",), 0.22, 0.75, 0.5),
                Layer("tom", ("............x.xx",), 0.4, 0.8, 0.3),
            ),
            ("1.1.1.1.1.1.1.1.", "1.....1.1...5..."),
            ("picked", "saw"),
            ("X.x.X.x.X.x.X.x.", "X.......X.......", "X.....X.....X..."),
            ("saw", "organ", "square"),
            ((0, 3, 4, 4), (0, 6, 3, 0), (5, 3, 0, 4)),
            ("saw", "square"),
            minor=0.4,
        ),
    )
}
