"""Beats as text that people and other programs read and write: a time and a place in the bar on each line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from farandole._io import atomic_path
from farandole.errors import AudioError
from farandole.music.beats.grid import Beats

_ACCEPTED = (
    "each line holds seconds, and after a tab the beat's place in the bar (1, 2, 3 ...), or is an Audacity label "
    "(begin, end, label)"
)
_PLACE = re.compile(r"(?:.*[^0-9])?([0-9]+)[^0-9]*$")


def read_beats(path: str | Path, *, beats_per_bar: int | None = None) -> Beats:
    """Read the beats of a text file.

    Lines hold seconds and, after a tab, spaces or a comma, the place in the bar from 1 on; or, as Audacity exports its
    labels, begin, end and a label whose last number is the place. Empty lines and those that begin with # are left out.
    Without places every fourth beat (or as `beats_per_bar` says) begins a bar, from the first on.

    Args:
        path: The file.
        beats_per_bar: Length of the bars, 2 to 12; by default the commonest in the file, else 4.

    Raises:
        AudioError: If the file cannot be read, a line holds something else, or times do not ascend.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AudioError(f"{path}: cannot be read as text ({error}); needed is a beat file: {_ACCEPTED}") from error
    times, places = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", "\\")):  # Audacity writes frequencies after a backslash
            continue
        try:
            time, place = _beat(line)
        except ValueError:
            raise AudioError(f"{path}, line {number}: {line.strip()[:60]!r} is no beat; {_ACCEPTED}") from None
        if times and time <= times[-1]:
            raise AudioError(
                f"{path}, line {number}: {time:g} s does not come after {times[-1]:g} s; beats must ascend"
            )
        times.append(time)
        places.append(place)
    if len(times) < 2:
        raise AudioError(f"{path}: holds {len(times)} beats; at least two are needed: {_ACCEPTED}")
    return beats_from_places(np.array(times), places, beats_per_bar=beats_per_bar)


def _beat(line: str) -> tuple[float, int | None]:
    """Seconds and place of a line; ValueError if it is none."""
    words = re.split(r"\t|,\s*|\s+", line.strip(), maxsplit=2)
    time = float(words[0])
    if not 0 <= time < 1e6:
        raise ValueError
    if len(words) == 1:
        return time, None
    if len(words) == 2 and re.fullmatch(r"[0-9]{1,2}(?:\.0*)?", words[1]):
        return time, _checked(int(float(words[1])))
    end = float(words[1])
    if end < time:
        raise ValueError
    found = _PLACE.fullmatch(words[2].strip()) if len(words) == 3 else None
    return time, _checked(int(found[1])) if found else None


def _checked(place: int) -> int:
    if not 1 <= place <= 64:
        raise ValueError
    return place


def beats_from_places(times: np.ndarray, places: list[int | None], *, beats_per_bar: int | None = None) -> Beats:
    """A grid from times and places in the bar (from 1 on; None where unknown).

    Args:
        times: [K] s, ascending.
        places: [K].
        beats_per_bar: By default the commonest bar length among the places.
    """
    ones = [k for k, place in enumerate(places) if place == 1]
    if beats_per_bar is None:
        lengths = np.diff(ones)
        known = [p for p in places if p is not None]
        beats_per_bar = int(np.bincount(lengths).argmax()) if len(lengths) else max(known, default=4)
        beats_per_bar = beats_per_bar if 2 <= beats_per_bar <= 12 else 4
    if not ones:
        first = next((k for k, place in enumerate(places) if place is not None), None)
        start = 0 if first is None else first - (places[first] or 1) + 1
        return Beats(times, -start % beats_per_bar, beats_per_bar=beats_per_bar)
    counts = np.empty(len(times), int)
    counts[: ones[0] + 1] = np.arange(-ones[0], 1)
    for begin, end in zip(ones, [*ones[1:], None], strict=True):
        # a bar of another length is counted on; the next bar begins on a whole bar again
        last = len(times) if end is None else end + 1
        counts[begin:last] = counts[begin] + np.arange(last - begin)
        if end is not None:
            counts[end] += -counts[end] % beats_per_bar
    first = int(counts[0]) % beats_per_bar
    return Beats(times, first, beats_per_bar=beats_per_bar, steps=np.diff(counts))


def write_beats(path: str | Path, beats: Beats, *, force: bool = False) -> None:
    """Write beats as text: seconds, a tab, the place in the bar from 1 on; read by `read_beats`.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    places = beats.counts % beats.beats_per_bar + 1
    lines = [f"{time:.4f}\t{place}\n" for time, place in zip(beats.times, places, strict=True) if time >= 0]
    with atomic_path(path, force=force) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
